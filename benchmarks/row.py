"""One figure of a benchmark, with its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure is held to."""

    bound: float
    sense: Literal["at most", "at least"] = "at most"

    def holds(self, value: float) -> bool:
        return value <= self.bound if self.sense == "at most" else value >= self.bound

    def __str__(self) -> str:
        return f"{'<=' if self.sense == 'at most' else '>='} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured. ``value`` is None where it could not be, and ``detail`` says why.

    ``minima`` is the same figure from the best calls alone, for ratios of times. ``more``
    goes to the JSON only.
    """

    case: str
    value: float | None
    unit: str
    target: Target | None = None
    minima: float | None = None
    detail: str = ""
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def verdict(self) -> Literal["pass", "MISS", "SKIPPED", ""]:
        """Whether the target is reached; empty for figures that have none."""
        if self.value is None:
            return "SKIPPED"
        if self.target is None:
            return ""
        return "pass" if self.target.holds(self.value) else "MISS"
