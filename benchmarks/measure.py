"""Measuring things in turns, so that a noisy machine disturbs all of them alike.

The sides of a comparison run one after the other, by single calls, in an order that rotates
from round to round; what is compared are the calls of one round.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from langchain_durable.waiting import Call, Pause, Procedure

Clock = Literal["wall", "cpu"]

Side = Callable[[], Any]
"""One call of what is measured. On an event loop it returns an awaitable."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds that one call took: by the wall clock, and of CPU in all threads of this process."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Series:
    """The calls of one side, in the order of the rounds."""

    samples: tuple[Sample, ...]

    def seconds(self, clock: Clock) -> list[float]:
        return [sample.wall if clock == "wall" else sample.cpu for sample in self.samples]

    def median(self, clock: Clock) -> float:
        return median(self.seconds(clock))

    def least(self, clock: Clock) -> float:
        return min(self.seconds(clock))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as long one side takes as the other.

    ``paired`` is the median over the rounds of the ratio within a round; ``minima`` is the ratio
    of the best call of each side; ``totals`` that of all calls together, pauses of the
    garbage collector included. ``added`` is the median difference within a round, in seconds.
    """

    paired: float
    minima: float
    totals: float
    added: float


def ratio(ours: Series, theirs: Series, clock: Clock) -> Ratio:
    """``ours`` over ``theirs``, round by round."""
    pairs = list(zip(ours.seconds(clock), theirs.seconds(clock), strict=True))
    return Ratio(
        paired=median(a / b for a, b in pairs),
        minima=ours.least(clock) / theirs.least(clock),
        totals=sum(a for a, _ in pairs) / sum(b for _, b in pairs),
        added=median(a - b for a, b in pairs),
    )


def in_turns(
    sides: Mapping[str, Side],
    *,
    rounds: int,
    warmup: int,
    calls: int = 1,
    settle: float = 0.0,
    before: Callable[[str], None] = lambda side: None,
) -> Procedure[dict[str, Series]]:
    """Call each side once a round; drive it with ``drive`` or, on an event loop, ``adrive``.

    ``calls``: how often a side is called in its turn; their mean is the sample. ``settle``:
    seconds to wait after a turn with the clocks running, so that what a call leaves to other
    threads counts as its own; then only CPU times make sense. ``before`` is called before
    each turn, with the clocks stopped.
    """
    names = list(sides)
    found: dict[str, list[Sample]] = {name: [] for name in names}
    gc.collect()
    for number in range(-warmup, rounds):
        for name in _rotated(names, number):
            before(name)
            sample = yield from _timed(sides[name], calls, settle)
            if number >= 0:
                found[name].append(sample)
    return {name: Series(tuple(samples)) for name, samples in found.items()}


def _timed(side: Side, calls: int, settle: float) -> Procedure[Sample]:
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(calls):
        yield Call(side)
    if settle:
        yield Pause(settle)
    return Sample((time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls)


def _rotated(names: Sequence[str], by: int) -> list[str]:
    # Whoever runs after a slow side finds colder caches: nobody always does.
    at = by % len(names)
    turned = [*names[at:], *names[:at]]
    return turned if by // len(names) % 2 == 0 else turned[::-1]
