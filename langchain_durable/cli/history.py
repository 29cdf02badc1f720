"""A run's journal as its reader wants it: attempts, and in each the steps that it made.

Unlike the checkpoint, which knows how each step stands now, this keeps what earlier attempts
left unfinished.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Header
from langchain_durable.spans.runs import REPLAYED
from langchain_durable.store.owner import pid_of


@dataclass(slots=True, kw_only=True)
class Execution:
    """One step in one attempt. Times are nanoseconds; ``outcome`` is None while it runs.

    ``depth`` is the number of steps that it stands in (a retriever in a tool: 1).
    """

    step: bytes
    kind: StepKind
    name: str
    depth: int
    attempt: int
    started: int
    ended: int | None = None
    outcome: Outcome | None = None
    error: ErrorInfo | None = None
    usage: Usage | None = None
    recorded: bool = True

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended is None else max(0, self.ended - self.started) / 1e9


@dataclass(slots=True, kw_only=True)
class AttemptHistory:
    """One attempt. ``status`` is what it left the run as, None if it did not get to say so.

    ``pid`` is its process's, on whichever machine that was. ``alive``: that may still be at work.
    ``replayed``: how many steps the journal answered; known when it has ended. ``decided``: the
    tools that a person decided about, and whether with a result; no program ran then.
    """

    number: int
    started: int
    last: int
    status: RunStatus | None = None
    reason: str = ""
    error: ErrorInfo | None = None
    pid: int | None = None
    replayed: int = 0
    decided: list[tuple[str, bool]] = field(default_factory=list)
    alive: bool = False
    executions: list[Execution] = field(default_factory=list)

    @property
    def only_decided(self) -> bool:
        """Was it no process of the program, but a person who decided about a tool's call?"""
        ran = self.alive or self.status is not None or bool(self.executions)
        return bool(self.decided) and not ran


def history(entries: Iterable[Entry], *, alive: bool) -> list[AttemptHistory]:
    """The attempts of a run, oldest first.

    ``alive``: a process may be at work on the run, so an attempt without an end has not
    crashed if it is the last one.
    """
    reader = _Reader()
    for entry in entries:
        reader.feed(entry)
    attempts = list(reader.attempts.values())
    for attempt in attempts:
        attempt.executions = reader.in_tree_order(attempt.executions)
        attempt.alive = alive and attempt is attempts[-1] and attempt.status is None
        for execution in attempt.executions:
            if execution.outcome is None and not attempt.alive:
                execution.outcome = Outcome.CRASHED
    return attempts


def replayed(event: AttemptEnded) -> int:
    """How many steps the journal answered in an attempt."""
    told = event.attributes.get(REPLAYED)
    return told if isinstance(told, int) else 0


def is_alive(header: Header) -> bool:
    """Whether a process may be at work on the run."""
    return header.status is RunStatus.RUNNING and not header.crashed


class _Reader:
    def __init__(self) -> None:
        self.attempts: dict[int, AttemptHistory] = {}
        self._parents: dict[bytes, bytes] = {}
        self._steps: dict[bytes, str] = {}
        self._open: dict[tuple[int, bytes], Execution] = {}

    def feed(self, entry: Entry) -> None:
        event = entry.event
        attempt = self.attempts.get(entry.attempt)
        if attempt is None:
            attempt = AttemptHistory(number=entry.attempt, started=event.time, last=event.time)
            self.attempts[entry.attempt] = attempt
        attempt.last = max(attempt.last, event.time)
        match event:
            case StepStarted():
                self._start(attempt, event)
            case StepEnded():
                self._end(entry, event)
            case AttemptEnded():
                attempt.status, attempt.reason = event.status, event.reason
                attempt.error, attempt.replayed = event.error, replayed(event)
            case AttemptStarted():
                attempt.started, attempt.pid = event.time, pid_of(event.owner)

    def _start(self, attempt: AttemptHistory, event: StepStarted) -> None:
        for node in event.nodes:
            self._parents[node.id] = node.parent
        self._steps[event.step] = event.name
        execution = Execution(
            step=event.step,
            kind=event.kind,
            name=event.name,
            depth=len(self._above(event.step)),
            attempt=attempt.number,
            started=event.time,
        )
        attempt.executions.append(execution)
        self._open[attempt.number, event.step] = execution

    def _end(self, entry: Entry, event: StepEnded) -> None:
        execution = self._open.pop((entry.attempt, event.step), None)
        if execution is None:
            attempt = self.attempts[entry.attempt]
            attempt.decided.append((self._steps.get(event.step, ""), event.recorded))
            return
        execution.ended, execution.outcome = event.time, event.outcome
        execution.error, execution.usage = event.error, event.usage
        execution.recorded = event.recorded

    def _above(self, step: bytes) -> list[bytes]:
        """The steps that a step stands in, innermost first."""
        above: list[bytes] = []
        seen = {step}
        node = self._parents.get(step, b"")
        while node and node not in seen:
            seen.add(node)
            if node in self._steps:
                above.append(node)
            node = self._parents.get(node, b"")
        return above

    def in_tree_order(self, executions: list[Execution]) -> list[Execution]:
        """By their start, but what stands in a step comes right behind it."""
        order = {each.step: number for number, each in enumerate(executions)}

        def place(execution: Execution) -> list[int]:
            above = [order[step] for step in self._above(execution.step) if step in order]
            return [*reversed(above), order[execution.step]]

        return sorted(executions, key=place)


def tokens(attempts: Sequence[AttemptHistory]) -> int:
    """All tokens that were spent."""
    return sum(
        execution.usage.total_tokens
        for attempt in attempts
        for execution in attempt.executions
        if execution.usage is not None
    )
