"""Exact totals, from journals: what runs cost, by model, tool, agent, tenant and day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, get_args

from langchain_durable.arguments import check
from langchain_durable.costs.price_book import EXACT, dollars
from langchain_durable.costs.tokens import Tokens
from langchain_durable.costs.totals import Totals, token_counts
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.spans.compact import told_model, told_provider
from langchain_durable.spans.left import AGENT
from langchain_durable.spans.priced import BOOK, COST, ESTIMATED, UNPRICED, first_books

BAD_COST = "bad_cost"
"""The reason where a journal has a cost that is no amount."""
NO_PRICE_TABLE = "no_price_table"
"""The reason where a journal says nothing of a model call's price: nobody looked for one."""

Dimension = Literal["model", "tool", "agent", "provider", "tenant", "day", "book"]

_ZERO = Decimal(0)
_FRUITLESS = (RunStatus.FAILED, RunStatus.CANCELLED)
_NO_CALL = (Outcome.INTERRUPTED, Outcome.CRASHED)


@dataclass(slots=True)
class _Call:
    """A step as one attempt made it."""

    start: StepStarted
    attempt: int
    end: StepEnded | None = None
    superseded_by: int | None = None
    """The attempt that made the step again."""


@dataclass(slots=True)
class _Run:
    calls: list[_Call] = field(default_factory=list)
    open: dict[bytes, _Call] = field(default_factory=dict)
    attempts: set[int] = field(default_factory=set)
    ended: dict[int, RunStatus] = field(default_factory=dict)
    books: dict[int, str] = field(default_factory=dict)
    made: dict[bytes, list[_Call]] = field(default_factory=dict)
    parents: dict[bytes, bytes] = field(default_factory=dict)
    seq: int = -1
    left: bool = False

    def feed(self, entry: Entry) -> None:
        if entry.seq <= self.seq:
            return  # read twice
        self.seq = entry.seq
        event = entry.event
        if isinstance(event, AttemptStarted):
            self.attempts.add(entry.attempt)
        elif isinstance(event, AttemptEnded):
            self.ended[entry.attempt] = event.status
        elif isinstance(event, StepStarted):
            self._start(event, entry.attempt)
        else:
            self._end(event, entry.attempt)

    def _start(self, event: StepStarted, attempt: int) -> None:
        for node in event.nodes:
            # Under what is there already, so that every way up ends, whoever wrote the record.
            if not node.parent or node.parent in self.parents:
                self.parents.setdefault(node.id, node.parent)
        before = self.open.get(event.step)
        if before is not None:
            before.superseded_by = attempt
        call = self.open[event.step] = _Call(event, attempt)
        self.calls.append(call)
        self.made.setdefault(event.step, []).append(call)

    def _end(self, event: StepEnded, attempt: int) -> None:
        call = self.open.get(event.step)
        if call is None or attempt != call.attempt:
            return  # the latter: a person decided about the step, and nothing came back
        if call.end is None:
            call.end = event

    def crashed(self, call: _Call) -> bool:
        """Whether the call's attempt is over, and the call never came back."""
        over = (
            self.left or call.attempt in self.ended or max(self.attempts, default=0) > call.attempt
        )
        return call.end is None and over

    def spared(self, call: _Call) -> set[int]:
        """The later attempts that did not have to make the call again."""
        if call.end is None or not call.end.recorded:
            return set()
        if call.end.outcome is not Outcome.COMPLETED:
            return set()
        until = call.superseded_by
        later = {number for number in self.attempts if number > call.attempt}
        return later if until is None else {number for number in later if number < until}

    def asked(self, call: _Call, spared: set[int]) -> set[int]:
        """Those of them that asked the journal for it: not for what is inside another call that
        the journal answered, such as a model in a tool."""
        above = self.parents.get(call.start.step)
        while spared and above:
            for outer in self.made.get(above, ()):
                spared = spared - self.spared(outer)
            above = self.parents.get(above)
        return spared


class Ledger:
    """Adds up the journals of runs. Does no I/O.

    Each call that was made counts once, however often it was replayed; one that had to be
    made again counts again. What a call costs is what was settled when it was made
    (``attributes["cost"]`` of its ``StepEnded``).
    """

    def __init__(self) -> None:
        self._total = Totals()
        self._by: dict[Dimension, dict[str, Totals]] = {}

    @property
    def total(self) -> Totals:
        """Over all calls of all runs."""
        return self._total.copy()

    def by(self, dimension: Dimension) -> Mapping[str, Totals]:
        """The same by model, tool, agent, provider, tenant, day (``2026-11-22``, UTC, of the
        call's start) or book; calls that have none are left out."""
        dimensions = get_args(Dimension)
        check(
            dimension in dimensions,
            "dimension",
            dimension,
            expected=", ".join(dimensions),
            do="choose one of these",
        )
        return {key: totals.copy() for key, totals in self._by.get(dimension, {}).items()}

    def add(
        self,
        entries: Iterable[Entry],
        *,
        tenant: str = "",
        status: RunStatus | None = None,
        crashed: bool = False,
    ) -> None:
        """Add one run: its entries from the first on, in order; give a run once.

        ``status`` is that of the run's header; without it, how its last attempt ended. ``crashed``
        is the header's too: nobody is at work, so what is open will not come back.
        """
        run = _Run(left=crashed)
        found = list(entries)
        run.books = first_books(found)
        for entry in found:
            run.feed(entry)
        if status is None and run.ended:
            last = max(run.ended)
            status = run.ended[last] if last >= max(run.attempts, default=0) else None
        for call in run.calls:
            totals = _totals(run, call, fruitless=status in _FRUITLESS)
            if totals is not None:
                self._count(totals, _places(call, tenant, run.books.get(call.attempt)))

    def merge(self, other: Ledger) -> None:
        """Add what another ledger has added up, over other runs."""
        self._total.include(other._total)
        for dimension, rows in other._by.items():
            for key, totals in rows.items():
                self._put(dimension, key, totals)

    def _count(self, totals: Totals, places: Mapping[Dimension, str]) -> None:
        self._total.include(totals)
        for dimension, key in places.items():
            self._put(dimension, key, totals)

    def _put(self, dimension: Dimension, key: str, totals: Totals) -> None:
        rows = self._by.setdefault(dimension, {})
        rows.setdefault(key, Totals()).include(totals)


def _totals(run: _Run, call: _Call, *, fruitless: bool) -> Totals | None:
    """What one call adds; None if it is still under way, or was only interrupted."""
    end = call.end
    if end is None:
        return Totals(crashed=1) if run.crashed(call) else None
    if end.outcome in _NO_CALL:
        return Totals(crashed=1) if end.outcome is Outcome.CRASHED else None
    spared = run.spared(call)
    totals = Totals(
        calls=1,
        errors=int(end.outcome is Outcome.FAILED),
        duration=max(0, end.time - call.start.time),
        replayed=len(run.asked(call, spared)),
    )
    if end.usage is not None:
        totals.tokens = token_counts(Tokens.from_usage(end.usage))
    _add_money(totals, call.start.kind, end, spared=len(spared), fruitless=fruitless)
    return totals


def _add_money(
    totals: Totals, kind: StepKind, end: StepEnded, *, spared: int, fruitless: bool
) -> None:
    said = end.attributes.get(COST)
    cost = dollars(said) if said is not None else None
    if cost is None:
        reason = _unpriced(kind, end) if said is None else BAD_COST
        if reason:
            totals.unpriced[reason] += 1
        return
    totals.cost = cost
    totals.estimated = cost if end.attributes.get(ESTIMATED) is True else _ZERO
    totals.failed_runs = cost if fruitless else _ZERO
    totals.saved = EXACT.multiply(cost, spared)


def _unpriced(kind: StepKind, end: StepEnded) -> str:
    """Why nothing is known of what a call cost; empty if there is nothing to know."""
    reason = end.attributes.get(UNPRICED)
    if reason:
        return str(reason)
    answered = kind is StepKind.MODEL and end.outcome is Outcome.COMPLETED
    return NO_PRICE_TABLE if answered else ""


def _places(call: _Call, tenant: str, book: str | None) -> dict[Dimension, str]:
    """In which rows the call stands. ``book`` priced its attempt's first call."""
    start = call.start
    of_model = start.kind is StepKind.MODEL
    places: dict[Dimension, str | None] = {
        "model": told_model(start.attributes, name=start.name) if of_model else None,
        "tool": start.name if start.kind is StepKind.TOOL else None,
        "agent": start.attributes.get(AGENT),
        "provider": told_provider(start.attributes),
        "tenant": tenant,
        "day": _day(start.time),
        "book": _book(call.end, book),
    }
    return {name: key for name, key in places.items() if isinstance(key, str) and key}


def _book(end: StepEnded | None, first: str | None) -> str | None:
    if end is None or COST not in end.attributes:
        return None
    return str(end.attributes.get(BOOK) or first or "")


def _day(time: int) -> str:
    try:
        return datetime.fromtimestamp(time / 1e9, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):  # no time of this world
        return ""
