"""A run's steps one by one, in the order in which they began, with what came out.

What went in is there for tools only: the journal keeps no other call's input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from langchain_durable.cli.money import cost_of, is_estimated
from langchain_durable.errors import JournalError
from langchain_durable.events import (
    AttemptEnded,
    Entry,
    ErrorInfo,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)

ABSENT: Any = object()
"""The value of a step that has none in the journal."""


@dataclass(slots=True, kw_only=True)
class Walked:
    """One step as one attempt made it. Times are nanoseconds; ``outcome`` None: under way.

    ``input`` and ``output`` are values, :data:`ABSENT`, or a :class:`Hidden`.
    """

    number: int
    step: str
    kind: StepKind
    name: str
    attempt: int
    started: int
    ended: int | None = None
    outcome: Outcome | None = None
    error: ErrorInfo | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    estimated: bool = False
    input: Any = ABSENT
    output: Any = ABSENT

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.ended is None else max(0, self.ended - self.started) / 1e9


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands for a value that cannot be read here, and says why."""

    reason: str


def walk(
    entries: Iterable[Entry], decode: Callable[[Entry], Any], *, alive: int | None
) -> list[Walked]:
    """The steps of a run. ``alive`` is the attempt that is at work: only its steps are open."""
    walked: list[Walked] = []
    open_steps: dict[tuple[int, bytes], Walked] = {}
    for entry in entries:
        match entry.event:
            case StepStarted() as event:
                step = _started(len(walked) + 1, entry, event)
                step.input = _value(entry, decode)
                open_steps[entry.attempt, event.step] = step
                walked.append(step)
            case StepEnded() as event:
                found = open_steps.pop((entry.attempt, event.step), None)
                if found is not None:  # else a person's decision about a step in doubt
                    _end(found, event)
                    if event.outcome is Outcome.COMPLETED:  # else parts of an error, or of a stream
                        found.output = _unpacked(found, _value(entry, decode))
    for (attempt, _), step in open_steps.items():
        step.outcome = None if attempt == alive else Outcome.CRASHED
    return walked


def result_of(entries: Iterable[Entry], decode: Callable[[Entry], Any]) -> Any:
    """The run's result; :data:`ABSENT` if it has none in the journal."""
    found: Any = ABSENT
    for entry in entries:
        if isinstance(entry.event, AttemptEnded):
            done = entry.event.status is RunStatus.COMPLETED
            found = _value(entry, decode) if done else ABSENT
    return found


def _started(number: int, entry: Entry, event: StepStarted) -> Walked:
    return Walked(
        number=number,
        step=event.step.hex(),
        kind=event.kind,
        name=event.name,
        attempt=entry.attempt,
        started=event.time,
    )


def _end(step: Walked, event: StepEnded) -> None:
    step.ended, step.outcome, step.error = event.time, event.outcome, event.error
    step.usage, step.cost = event.usage, cost_of(event.attributes)
    step.estimated = is_estimated(event.attributes)


def _value(entry: Entry, decode: Callable[[Entry], Any]) -> Any:
    if entry.payload is None:
        return ABSENT
    try:
        return decode(entry)
    except JournalError as exc:
        return Hidden(exc.what)


def _unpacked(step: Walked, value: Any) -> Any:
    """A recorded answer without the form that the journal keeps it in."""
    if not isinstance(value, dict):
        return value
    if step.kind is not StepKind.MODEL or "v" in value:  # a decision model's answers
        return value.get("v", value)
    if "g" in value:
        messages = value["g"]
        return messages[0] if len(messages) == 1 else messages
    if "t" in value:
        texts = [[text for text, _ in candidates] for candidates in value["t"]]
        return texts[0][0] if len(texts) == 1 and len(texts[0]) == 1 else texts
    return value
