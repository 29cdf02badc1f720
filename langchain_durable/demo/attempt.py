"""One attempt of the demo's program: its process, what it said, and its death if it is to die."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from langchain_durable.demo.calls import Line
from langchain_durable.demo.job import Job
from langchain_durable.demo.scenario import CALLS, RUN_ID
from langchain_durable.demo.stage import Stage
from langchain_durable.errors import DurableError

PATIENCE = 120.0
"""Seconds after which an attempt is given up: importing LangChain may take very long."""

_PATHS = {"model": "chat/completions", "retriever": "embeddings"}


class DemoFailed(DurableError):
    """The demo's program did not do what it does everywhere; its stderr is quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that has ended. ``killed``: by us, with SIGKILL, before its end."""

    number: int
    pid: int
    killed: bool
    exit_code: int
    lines: tuple[Line, ...] = field(repr=False)

    @property
    def answer(self) -> str:
        return next((line.text for line in self.lines if line.said == "answer"), "")


@dataclass(slots=True)
class _Process:
    """A process that can be killed from another thread, once."""

    popen: subprocess.Popen[str]
    killed: bool = False
    late: bool = False

    def kill(self) -> None:
        self.killed = True
        self.popen.kill()

    def give_up(self) -> None:
        self.late = True
        self.popen.kill()


def attempt(
    stage: Stage,
    number: int,
    *,
    kill_at: int | None,
    started: Callable[[int], None],
    hear: Callable[[Line], None],
) -> Attempt:
    """Run the program; kill its process in the middle of call ``kill_at`` (from 1), if any.

    ``started`` gets its pid, ``hear`` all it says. Raises :class:`DemoFailed`.
    """
    job = _job(stage, number, kill_at)
    lines: list[Line] = []
    with _process(stage, job) as process, _killer(stage, process, kill_at):
        started(process.popen.pid)
        assert process.popen.stdout is not None
        for text in process.popen.stdout:
            line = _read(text)
            if line is None:
                continue
            if line.said == "held":
                process.kill()
            lines.append(line)
            hear(line)
        code = process.popen.wait()
    ended = Attempt(
        number=number,
        pid=process.popen.pid,
        killed=process.killed and code != 0,
        exit_code=code,
        lines=tuple(lines),
    )
    _check(stage, ended, process, expected=kill_at is not None)
    return ended


def _job(stage: Stage, number: int, kill_at: int | None) -> Job:
    kind, name = CALLS[kill_at - 1] if kill_at is not None else ("", "")
    return Job(
        attempt=number,
        run_id=RUN_ID,
        server=stage.models.url,
        journal=stage.journal,
        prefix=stage.prefix,
        effects=str(stage.effects),
        hold=name if kind == "tool" else "",
    )


@contextmanager
def _process(stage: Stage, job: Job) -> Iterator[_Process]:
    process = _Process(stage.start(job))
    timer = threading.Timer(PATIENCE, process.give_up)
    timer.daemon = True
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.popen.kill()
        process.popen.wait()
        assert process.popen.stdout is not None
        process.popen.stdout.close()


@contextmanager
def _killer(stage: Stage, process: _Process, kill_at: int | None) -> Iterator[None]:
    """Have the model server hold the call, and kill the process once it is there."""
    kind = CALLS[kill_at - 1][0] if kill_at is not None else ""
    if kill_at is None or kind not in _PATHS:
        yield
        return
    nth = sum(call[0] == kind for call in CALLS[:kill_at])
    hold = stage.models.hold(tag=RUN_ID, path=_PATHS[kind], nth=nth)

    def kill_when_held() -> None:
        with contextlib.suppress(DurableError):  # the server ends with the demo
            if hold.wait() is not None:
                process.kill()

    thread = threading.Thread(target=kill_when_held, daemon=True)
    thread.start()
    try:
        yield
    finally:
        hold.release()
        thread.join()


def _read(text: str) -> Line | None:
    """A line of the program's; None for what a library may print."""
    try:
        return Line.from_dict(json.loads(text))
    except (ValueError, TypeError):
        return None


def _check(stage: Stage, ended: Attempt, process: _Process, *, expected: bool) -> None:
    if process.late:
        came = f"it still ran after {PATIENCE:.0f} s"
    elif expected and not ended.killed:
        came = f"it ended by itself with exit code {ended.exit_code}"
    elif not expected and ended.exit_code != 0:
        came = f"exit code {ended.exit_code}"
    else:
        return
    complaints = stage.complaints(ended.number).read_text(encoding="utf-8", errors="replace")
    raise DemoFailed(
        f"Attempt {ended.number} of the demo's program went wrong.",
        expected="a process that is killed" if expected else "a process that gives its answer",
        came=f"{came}; its stderr ends with:\n{complaints.strip()[-2000:] or '(nothing)'}\n",
        do="run it again with --keep, and report it with these lines",
    )
