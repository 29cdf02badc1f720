"""What the journal of a run promises, checked on its entries."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_durable.events import Entry, Outcome, StepEnded, StepStarted


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
