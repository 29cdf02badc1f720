"""The call of a graph that starts a turn of its thread."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RootCall:
    """A root call of a graph: an id that is the same in every attempt, and whether an
    earlier attempt may have made it."""

    id: str
    resumed: bool
