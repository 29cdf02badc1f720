"""The openings of a run: from its start to its end, and each time that it was opened again.

A run that has failed is over, and its root span is exported. If it is called again it goes on in
the same trace, under a root of its own: the first cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from langchain_durable.events import AttemptEnded, AttemptStarted, Entry


@dataclass(slots=True)
class Opening:
    """The attempts from ``first`` on, until one gave the run back for good: its ``end``.

    Times are in nanoseconds; ``last`` is that of its last entry.
    """

    first: int
    began: int
    last: int
    end: AttemptEnded | None = None

    def root(self, reserved: str) -> str:
        """The id of its root span; ``reserved`` is the one that the run's header has."""
        if self.first == 1 or not reserved:
            return reserved
        return blake2b(f"{reserved}/{self.first}".encode(), digest_size=8).hexdigest()


def openings(entries: Iterable[Entry]) -> list[Opening]:
    """The openings of a run, in their order."""
    found: list[Opening] = []
    for entry in entries:
        time = entry.event.time
        starts = isinstance(entry.event, AttemptStarted)
        if not found or (starts and found[-1].end is not None):
            found.append(Opening(entry.attempt if found else 1, time, time))
        opening = found[-1]
        opening.last = max(opening.last, time)
        if isinstance(entry.event, AttemptEnded) and entry.event.status.ended:
            opening.end = entry.event
    return found
