"""Attempts of a program in child processes, killed where asked, and what was seen of them."""

from __future__ import annotations

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from langchain_durable.testing.children import Child, Children, Ended
from langchain_durable.testing.effects import Effects, Phase
from langchain_durable.testing.openai_server import Hold, ScriptedOpenAI
from tests.kill.play import Job, Via, play
from tests.programs.program import MODEL, KillPoint, Mode, Program

Call = tuple[str, str]
"""What a call is counted by: its name and its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One event, seen from outside the process."""

    name: str
    key: str
    phase: Phase
    attempt: int
    time: int

    @property
    def call(self) -> Call:
        return self.name, self.key


@dataclass(slots=True, kw_only=True)
class Trial:
    """One run of a program, over all its attempts."""

    program: Program
    run_id: str
    directory: Path
    attempts: list[Ended] = field(default_factory=list)


class Harness:
    """Runs attempts against one model server and one journal."""

    def __init__(self, children: Children, server: ScriptedOpenAI, journal_url: str = "") -> None:
        self._children = children
        self._server = server
        self._journal_url = journal_url

    def attempt(
        self,
        trial: Trial,
        mode: Mode,
        *,
        via: Via = Via.WRAP,
        kill: KillPoint | None = None,
        kill_after: float | None = None,
        fresh: bool = False,
    ) -> Ended:
        """Run the program once more, until it ends, or is killed at a point or a time."""
        trial.directory.mkdir(parents=True, exist_ok=True)
        job = Job(
            program=trial.program.name,
            mode=mode,
            via=via,
            run_id=trial.run_id,
            attempt=len(trial.attempts),
            directory=trial.directory,
            server_url=self._server.url,
            journal_url=self._journal_url,
            kill=kill,
        )
        hold = self._hold(trial, kill) if kill is not None and kill.name == MODEL else None
        child = self._children.start(play, job, fresh=fresh)
        if kill_after is not None and not child.done(kill_after):
            child.kill()
        ended = child.wait() if hold is None else _killed_at(hold, child)
        trial.attempts.append(ended)
        return ended

    def _hold(self, trial: Trial, kill: KillPoint) -> Hold:
        at: Literal["request", "reply"] = "request" if kill.phase is Phase.BEGIN else "reply"
        exactly = f"^{re.escape(kill.key)}$"
        return self._server.hold(exactly, tag=trial.run_id, at=at, nth=kill.nth)

    def log(self, trial: Trial) -> list[Seen]:
        """Everything seen of a run, by time: tools and retrievers, and model calls."""
        by_pid = {ended.pid: number for number, ended in enumerate(trial.attempts)}
        seen = [
            Seen(
                name=effect.name,
                key=effect.key,
                phase=effect.phase,
                attempt=by_pid[effect.pid],
                time=effect.time,
            )
            for effect in Effects(trial.directory / "effects").read()
        ]
        for request in self._server.requests(tag=trial.run_id):
            if request.path == "embeddings":
                continue
            moments = ((Phase.BEGIN, request.time), (Phase.EFFECT, request.effect))
            seen += [
                Seen(
                    name=MODEL,
                    key=request.key,
                    phase=phase,
                    attempt=int(request.attempt),
                    time=time,
                )
                for phase, time in moments
                if time is not None
            ]
        return sorted(seen, key=lambda each: each.time)


def _killed_at(hold: Hold, child: Child) -> Ended:
    """Kill the child once its call is held; a child that never makes it ends by itself."""

    def kill() -> None:
        if hold.wait() is not None:
            with contextlib.suppress(ValueError):  # it has ended, and is closed
                child.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        return child.wait()
    finally:
        hold.release()
        killer.join()


def begun(log: Sequence[Seen], attempt: int | None = None) -> Counter[Call]:
    """How often each call was begun, in all attempts or in one."""
    return Counter(
        seen.call for seen in log if seen.phase is Phase.BEGIN and attempt in (None, seen.attempt)
    )


def kill_points(log: Sequence[Seen]) -> list[KillPoint]:
    """Every place where an undisturbed attempt can be killed: each begin, each effect."""
    counts: Counter[tuple[Call, Phase]] = Counter()
    points = []
    for seen in log:
        if seen.phase is Phase.END:
            continue
        counts[seen.call, seen.phase] += 1
        nth = counts[seen.call, seen.phase]
        points.append(KillPoint(name=seen.name, key=seen.key, nth=nth, phase=seen.phase))
    return points


def repeated(log: Sequence[Seen], undisturbed: Counter[Call], attempts: int) -> dict[Call, int]:
    """Calls made more often than kills can explain, and by how much.

    A killed attempt explains one more call for each that it had begun and whose result
    its program had not got. Nothing else may be called again. A replayed call has an end
    and no begin, and comes before live ones like it, so the ends beyond those that earlier
    attempts had recorded are those of live calls.
    """
    allowed = Counter(undisturbed)
    recorded: Counter[Call] = Counter()
    for attempt in range(attempts - 1):
        ends = Counter(
            seen.call for seen in log if seen.phase is Phase.END and seen.attempt == attempt
        )
        got = ends - recorded
        recorded += got
        allowed += begun(log, attempt) - got
    return dict(begun(log) - allowed)
