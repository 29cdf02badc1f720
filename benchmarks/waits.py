"""What waiting alone costs: a program with replies to wait for, and with nothing else of ours.

The calls of the program wait on a bare socket as often as a durable run does, for records of about
that size, and a callback handler does nothing. What `overhead` shows beyond that is our work.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI

from benchmarks.bench import Bench, Benchmark
from benchmarks.cpu_row import cpu_row
from benchmarks.measure import Side, in_turns
from benchmarks.programs import (
    KEY,
    RULES,
    InstantModel,
    Program,
    agent,
    agent_input,
    chain,
    chain_input,
    openai_model,
)
from benchmarks.row import Row
from langchain_durable.store.resp import pack
from langchain_durable.testing.openai_server import ScriptedOpenAI
from langchain_durable.waiting import drive
from tests.servers import Server

_START, _END = 160, 280
"""Bytes of a step's two records in the programs of `overhead`; their commands add some 80."""
_SETTLE = 0.001


class Waits:
    """One connection; threads take turns on it."""

    def __init__(self, server: Server) -> None:
        host, _, port = server.url.removeprefix("redis://").partition("/")[0].rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lock = threading.Lock()
        self._owed = 0
        self._buffer = bytearray(4096)

    def send(self) -> None:
        """As the start of a model call: sent, and not waited for."""
        with self._lock:
            self._send(_START)

    def wait(self, size: int = _END) -> None:
        """As the end of a call, or the intent of a tool: waits for all that was sent."""
        with self._lock:
            self._send(size)
            while self._owed:
                received = self._socket.recv_into(self._buffer)
                self._owed -= self._buffer.count(b"$", 0, received)

    def _send(self, size: int) -> None:
        self._owed += 1
        self._socket.sendall(pack(("XADD", "waits", "MAXLEN", "1000", "*", "v", "v" * size)))

    def tool(self) -> BaseTool:
        def add(left: int, right: int) -> str:
            """The sum of two numbers."""
            self.wait(_START)
            total = str(left + right)
            self.wait()
            return total

        return StructuredTool.from_function(add, name="add")

    def close(self) -> None:
        self._socket.close()


class _Waiting(BaseChatModel):
    """A mixin: waits around the call of the model that stands behind it."""

    waits: Any

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.waits.send()
        result = super()._generate(messages, stop, run_manager, **kwargs)  # type: ignore[safe-super]  # a mixin
        self.waits.wait()
        return result


class _WaitingInstant(_Waiting, InstantModel):
    pass


class _WaitingOpenAI(_Waiting, ChatOpenAI):
    pass


class _Silent(BaseCallbackHandler):
    run_inline = True


def _run(bench: Bench) -> Iterator[Row]:
    waits = Waits(bench.server)
    with ScriptedOpenAI(RULES) as server:
        for which in ("chain", "agent"):
            bare = _program(which, InstantModel())
            waiting = _program(which, _WaitingInstant(waits=waits), waits.tool())
            yield _row(bench, waits, f"{which}, instant model", bare, waiting)
        for which in ("chain", "agent"):
            server.forget(KEY)
            bare = _program(which, openai_model(server.url, which))
            model = openai_model(server.url, which, _WaitingOpenAI, waits=waits)
            yield _row(
                bench, waits, f"{which}, ChatOpenAI", bare, _program(which, model, waits.tool())
            )
    waits.close()


def _program(which: str, model: Any, tool: BaseTool | None = None) -> tuple[Program, Any]:
    if which == "chain":
        return chain(model), chain_input()
    return agent(model, tool=tool), agent_input()


def _row(
    bench: Bench,
    waits: Waits,
    case: str,
    bare: tuple[Program, Any],
    waiting: tuple[Program, Any],
) -> Row:
    def with_waits() -> Any:
        waits.wait()  # taking the run
        result = waiting[0].invoke(waiting[1], {"callbacks": [_Silent()]})
        waits.wait()  # giving it back
        return result

    sides: dict[str, Side] = {"bare": lambda: bare[0].invoke(bare[1]), "waits": with_waits}
    rounds = bench.times(100, 1)
    found = drive(in_turns(sides, rounds=rounds, warmup=rounds // 10, settle=_SETTLE))
    return cpu_row(f"{case}, short, sync", found["waits"], found["bare"], None)


WAITS = Benchmark(
    name="waits",
    title="The same programs with a silent handler and the waits of a durable run, without us",
    run=_run,
)
