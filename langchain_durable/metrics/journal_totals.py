"""What journals add up to, as gauges for Prometheus beside the process's own counters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from langchain_durable.costs import Ledger, Totals
from langchain_durable.costs.ledger import Dimension
from langchain_durable.metrics.label_values import LONGEST, MOST, OTHER

_PREFIX = "langchain_durable_journal"
_NS = 1_000_000_000

_DIMENSIONS: tuple[Dimension, ...] = ("model", "provider", "tool", "agent", "tenant")
"""Not by day, which would make a new series each day, for ever."""

_Amount = Callable[[Totals], float]

_AMOUNTS: Mapping[str, tuple[str, _Amount]] = {
    "calls": ("Calls that were made and came back.", lambda totals: totals.calls),
    "errors": ("Of them, those that failed.", lambda totals: totals.errors),
    "cost_usd": ("What they cost, in US dollars.", lambda totals: _usd(totals.cost)),
    "cost_saved_usd": (
        "What replayed calls would have cost once more, in US dollars.",
        lambda totals: _usd(totals.saved),
    ),
}
"""Over all calls, and by each dimension."""

_MORE_AMOUNTS: Mapping[str, tuple[str, _Amount]] = {
    "crashed": ("Calls that never came back: their process died.", lambda totals: totals.crashed),
    "replayed": ("Calls that were answered from the journal.", lambda totals: totals.replayed),
    "call_seconds": ("How long calls took together.", lambda totals: totals.duration / _NS),
    "cost_estimated_usd": (
        "The part of the cost that stands on estimated tokens.",
        lambda totals: _usd(totals.estimated),
    ),
    "cost_failed_runs_usd": (
        "The part of the cost in runs that failed or were cancelled.",
        lambda totals: _usd(totals.failed_runs),
    ),
}
"""Over all calls only."""

_logger = logging.getLogger(__name__)


class JournalTotals(Collector):
    """Asks for a ledger at each scrape, and gives its totals as ``langchain_durable_journal_*``.

    Register it with a ``prometheus_client`` registry. The totals are exact and the same from
    every process, but they are gauges: they fall when a journal's time to live is over.
    ``langchain_durable_journal_model_cost_usd`` and the like have one series a model, provider,
    tool, agent or tenant; of more than 200, those with the highest cost, and the rest as
    ``other``. If the ledger cannot be had, ``langchain_durable_journal_up`` is 0, the rest of
    the scrape is served, and a warning is logged.
    """

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._warned = False

    def describe(self) -> Iterable[Metric]:
        """None: a registry need not read journals to register this."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges of one scrape."""
        found = self._ask()
        up = GaugeMetricFamily(f"{_PREFIX}_up", "Whether the journals could be read.")
        up.add_metric((), float(found is not None))
        yield up
        if found is not None:
            yield from _overall(found.total)
            for dimension in _DIMENSIONS:
                yield from _by(dimension, found.by(dimension))

    def _ask(self) -> Ledger | None:
        try:
            found = self._ledger()
        except Exception:
            if not self._warned:
                _logger.warning("The journals could not be read for a scrape.", exc_info=True)
            self._warned = True
            return None
        self._warned = False
        return found


def _overall(totals: Totals) -> Iterator[Metric]:
    for name, (help_text, amount) in {**_AMOUNTS, **_MORE_AMOUNTS}.items():
        yield _gauge(name, help_text, "", {"": amount(totals)})
    yield _gauge("tokens", "Tokens of model calls, by kind.", "kind", totals.tokens)
    yield _gauge("unpriced_calls", "Model calls without a price.", "reason", totals.unpriced)


def _by(dimension: Dimension, rows: Mapping[str, Totals]) -> Iterator[Metric]:
    rows = _largest(rows)
    for name, (help_text, amount) in _AMOUNTS.items():
        values = {key: amount(totals) for key, totals in rows.items()}
        yield _gauge(f"{dimension}_{name}", help_text, dimension, values)


def _largest(rows: Mapping[str, Totals]) -> Mapping[str, Totals]:
    kept: dict[str, Totals] = {}
    for key in sorted(rows, key=lambda key: (-rows[key].cost, key)):
        short = key[:LONGEST]
        place = short if short in kept or len(kept) < MOST else OTHER
        kept.setdefault(place, Totals()).include(rows[key])
    return kept


def _gauge(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}_{name}", help_text, labels=(label,) if label else ())
    for value, number in values.items():
        family.add_metric((value,) if label else (), number)
    return family


def _usd(amount: Decimal) -> float:
    return float(amount)
