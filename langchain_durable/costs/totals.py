"""What some calls came to: money, tokens, time, errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from langchain_durable.costs.price_book import EXACT
from langchain_durable.costs.tokens import COUNTS, Tokens

_ZERO = Decimal(0)


@dataclass(slots=True)
class Totals:
    """Sums over calls. Money is USD and exact.

    ``calls`` were made and came back, ``errors`` of them failed, ``crashed`` never came back:
    their process died, and what they cost is not known to anybody. ``cost`` is what all priced
    calls came to, ``estimated`` and ``failed_runs`` are parts of it: on estimated tokens, and
    in runs that ended as failed or cancelled. ``saved`` is what replayed calls would have cost
    once more, with what is inside them; ``replayed`` counts them alone. ``unpriced`` counts model
    calls without a price, by reason. ``tokens`` are by kind, as in ``Tokens``. ``duration`` is the
    sum over ``calls``, in ns.
    """

    calls: int = 0
    errors: int = 0
    crashed: int = 0
    replayed: int = 0
    duration: int = 0
    cost: Decimal = _ZERO
    estimated: Decimal = _ZERO
    failed_runs: Decimal = _ZERO
    saved: Decimal = _ZERO
    unpriced: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)

    @property
    def mean_duration(self) -> float | None:
        """The average call, in ns; None without a call."""
        return self.duration / self.calls if self.calls else None

    @property
    def error_rate(self) -> float | None:
        """Failed calls of all that came back, 0 to 1; None without a call."""
        return self.errors / self.calls if self.calls else None

    def include(self, other: Totals) -> None:
        """Add what ``other`` came to."""
        self.calls += other.calls
        self.errors += other.errors
        self.crashed += other.crashed
        self.replayed += other.replayed
        self.duration += other.duration
        if other.cost:
            self.cost = EXACT.add(self.cost, other.cost)
            self.estimated = EXACT.add(self.estimated, other.estimated)
            self.failed_runs = EXACT.add(self.failed_runs, other.failed_runs)
            self.saved = EXACT.add(self.saved, other.saved)
        self.unpriced.update(other.unpriced)
        self.tokens.update(other.tokens)

    def copy(self) -> Totals:
        """The same, apart."""
        made = Totals()
        made.include(self)
        return made


def token_counts(tokens: Tokens) -> Counter[str]:
    """The counts that are not 0, by kind."""
    return Counter({name: count for name in COUNTS if (count := getattr(tokens, name))})
