"""What the journal of a run promises, checked on its entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Outcome,
    StepEnded,
    StepStarted,
)
from langchain_durable.identity.index import Index
from langchain_durable.identity.recorded import Recorded


def repeated_steps(entries: Iterable[Entry]) -> list[str]:
    """The names of steps that were made again although their result was in the journal.

    Empty is what the library promises: a step that had ended, and whose result was
    recorded, is answered from the journal in every later attempt.
    """
    ended: dict[bytes, int] = {}
    again = []
    for entry in entries:
        event = entry.event
        if isinstance(event, StepEnded):
            if event.outcome is Outcome.COMPLETED and event.recorded:
                ended.setdefault(event.step, entry.attempt)
        elif isinstance(event, StepStarted) and event.step in ended:
            first = ended[event.step]
            again.append(
                f"{event.kind} {event.name}: ended in attempt {first}, "
                f"started again in attempt {entry.attempt}"
            )
    return again


def unanswered_steps(entries: Sequence[Entry]) -> list[Recorded]:
    """The steps that each later attempt may make again: those of every attempt before it.

    A step in flight; one whose result could not be recorded; and one that failed last: where
    nothing had begun after an error, nothing tells whether the program had gone on.
    """
    found: list[Recorded] = []
    for end, entry in enumerate(entries, 1):
        over = end == len(entries) and isinstance(entry.event, AttemptEnded)
        if not over and (end == len(entries) or isinstance(entries[end].event, AttemptStarted)):
            found += Index(entries[:end]).unanswered()
    return found
