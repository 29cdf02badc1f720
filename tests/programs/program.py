"""What a program of the kill tests is, and the site that it is built on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from langchain_durable.testing.effects import Effects, Phase
from langchain_durable.testing.openai_server import Rule
from tests.programs.saver import FileSaver


class Mode(StrEnum):
    """How a program is called."""

    INVOKE = "invoke"
    AINVOKE = "ainvoke"
    STREAM = "stream"
    ASTREAM = "astream"
    ASTREAM_EVENTS = "astream_events"
    STREAM_V3 = "stream_v3"
    ASTREAM_V3 = "astream_v3"
    BATCH = "batch"
    ABATCH = "abatch"
    CALL = "call"
    ACALL = "acall"

    @property
    def is_async(self) -> bool:
        return self.value.startswith("a")


CHAIN_MODES = (Mode.INVOKE, Mode.AINVOKE, Mode.STREAM, Mode.ASTREAM, Mode.ASTREAM_EVENTS)
GRAPH_MODES = (*CHAIN_MODES, Mode.STREAM_V3, Mode.ASTREAM_V3)
"""LangChain's third streaming protocol is for graphs only."""

MODEL = "model"
"""The name under which model calls are counted; tools and retrievers have their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillPoint:
    """Where a process is killed: the nth call of this name and key in it, at a phase.

    ``begin``: nothing has happened yet. ``effect``: it has, and its caller does not know.
    """

    name: str
    key: str
    nth: int
    phase: Phase

    def __str__(self) -> str:
        return f"{self.phase}:{self.name}({self.key})#{self.nth}"


class Site:
    """What a program is built with: its model server, its effects, and where it dies.

    ``directory`` outlives the process. ``durable`` says that a durable run is around the
    program, so a graph need not bring what the library gives it.
    """

    def __init__(
        self,
        *,
        url: str,
        tag: str,
        directory: Path,
        durable: bool = False,
        kill: KillPoint | None = None,
    ) -> None:
        self.url = url
        self.tag = tag
        self.directory = directory
        self.durable = durable
        self.effects = Effects(directory / "effects")
        self._kill = kill
        self._seen: dict[tuple[str, str, Phase], int] = {}

    def model(self, name: str, **options: Any) -> ChatOpenAI:
        """A real ChatOpenAI on the scripted server; the name selects its rules."""
        return ChatOpenAI(
            base_url=self.url,
            api_key=SecretStr(self.tag),
            model=name,
            max_retries=0,
            stream_usage=True,
            **options,
        )

    def text_model(self, name: str) -> OpenAI:
        """A real text completion model on the scripted server."""
        return OpenAI(base_url=self.url, api_key=SecretStr(self.tag), model=name, max_retries=0)

    def embeddings(self, name: str) -> OpenAIEmbeddings:
        """Real embeddings on the scripted server, sent as text (tiktoken would download)."""
        return OpenAIEmbeddings(
            base_url=self.url,
            api_key=SecretStr(self.tag),
            model=name,
            check_embedding_ctx_length=False,
        )

    def saver(self) -> FileSaver:
        """A checkpointer that the next process finds again."""
        return FileSaver(self.directory / "checkpoints")

    @contextmanager
    def call(self, name: str, key: str) -> Iterator[None]:
        """Around the effect of a tool or retriever: counts it, and dies where it must."""
        self.note(name, key, Phase.BEGIN)
        yield
        self.note(name, key, Phase.EFFECT)

    def note(self, name: str, key: str, phase: Phase) -> None:
        """Write one event down, and die if this is where."""
        self.effects.note(name, key, phase)
        seen = self._seen[name, key, phase] = self._seen.get((name, key, phase), 0) + 1
        if self._kill == KillPoint(name=name, key=key, nth=seen, phase=phase):
            os.kill(os.getpid(), signal.SIGKILL)


def args_key(args: Mapping[str, Any]) -> str:
    """The key of a tool call: its plain arguments, without what LangChain injects."""
    plain = {name: args[name] for name in sorted(args) if isinstance(args[name], str | int)}
    plain.pop("tool_call_id", None)
    return json.dumps(plain)


def same(value: Any) -> Any:
    """The value itself."""
    return value


def last_text(state: Any) -> str:
    """The text of the last message in an agent's or a graph's state."""
    return str(state["messages"][-1].text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One LangChain program, its input, and the answer it gives however often it is killed.

    ``build`` gives a runnable or, for the modes CALL and ACALL, a pair of functions (sync
    and async). ``read`` takes the answer from the program's output. ``graph`` says that
    the output of a stream is its last value, not the sum of its chunks. ``last_chunk`` says the
    same of a chain. ``resume`` is given to every interrupt. ``own_saver``: the graph has a
    checkpointer of its own, so its config needs a thread.
    """

    name: str
    build: Callable[[Site], Any]
    input: Any
    answer: Any
    rules: tuple[Rule, ...] = ()
    read: Callable[[Any], Any] = same
    modes: tuple[Mode, ...] = CHAIN_MODES
    graph: bool = False
    last_chunk: bool = False
    resume: Any = None
    own_saver: bool = False
