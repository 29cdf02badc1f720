"""Functions run in child processes that can be killed, and how each of them ended.

Children are forked from a clean process that has the heavy imports behind it and no
thread, connection or event loop of its own (``multiprocessing``'s fork server), so one
costs milliseconds. ``fresh=True`` starts a new interpreter, with another hash seed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from langchain_durable.errors import DurableError
from langchain_durable.testing import preload as _preload


class ChildFailed(DurableError):
    """The function raised in the child; the child's traceback is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended. ``value`` is what its function returned, unless it was killed."""

    pid: int
    killed: bool
    value: Any = None
    error: str = ""

    def result(self) -> Any:
        """The function's value; raises :class:`ChildFailed` if there is none."""
        if self.killed or self.error:
            raise ChildFailed(
                "The program did not finish in its child process.",
                expected="a value",
                came="SIGKILL" if self.killed else self.error,
                do="run the function in this process to debug it",
            )
        return self.value


class Child:
    """One running child."""

    def __init__(self, process: BaseProcess, answers: Connection) -> None:
        self._process = process
        self._answers = answers

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, at once. A child that is dead already stays so."""
        self._process.kill()

    def done(self, timeout: float) -> bool:
        """Whether it ends, or answers, within so many seconds."""
        return bool(multiprocessing.connection.wait([self._answers], timeout))

    def wait(self, timeout: float = 60.0) -> Ended:
        """How it ended. A child that takes longer is killed, and that is an error."""
        answer = None
        if self._answers.poll(timeout):
            with contextlib.suppress(EOFError, OSError):
                answer = self._answers.recv()
        else:
            self._process.kill()
            answer = (None, f"it was still running after {timeout} s")
        self._process.join()
        pid, code = self.pid, self._process.exitcode
        self._process.close()
        self._answers.close()
        if answer is not None:
            return Ended(pid=pid, killed=False, value=answer[0], error=answer[1])
        if code == -signal.SIGKILL:
            return Ended(pid=pid, killed=True)
        return Ended(pid=pid, killed=False, error=f"exit code {code} without an answer")


class Children:
    """Starts children. ``preload`` names modules to import before the first fork.

    The fork server is one per process: the first ``preload`` counts.
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._fork = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        self._spawn = multiprocessing.get_context("spawn")
        if preload and "forkserver" in methods:
            self._warm(list(preload))

    def _warm(self, modules: list[str]) -> None:
        self._fork.set_forkserver_preload([_preload.__name__])
        os.environ[_preload.VARIABLE] = _preload.requested(modules)
        try:
            forkserver.ensure_running()
        finally:
            del os.environ[_preload.VARIABLE]

    def start(self, function: Callable[..., Any], *args: Any, fresh: bool = False) -> Child:
        """Call ``function(*args)`` in a child, in this process's environment.

        Function and arguments go there by pickle: a function must be importable.
        """
        context: Any = self._spawn if fresh else self._fork
        ours, theirs = context.Pipe(duplex=False)
        arguments = (theirs, dict(os.environ), function, args)
        process = context.Process(target=_main, args=arguments)
        process.start()
        theirs.close()
        return Child(process, ours)


def _main(
    answers: Connection,
    environment: dict[str, str],
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> None:
    # A fork server keeps the environment that it was started in.
    os.environ.clear()
    os.environ.update(environment)
    try:
        answer = (function(*args), "")
    except BaseException:
        answer = (None, traceback.format_exc())
    answers.send(answer)
    answers.close()
    # Threads of the program's libraries must not keep a child that has answered.
    os._exit(0)
