"""Counters that are added up here, and given to the SDK when somebody collects.

One addition costs the SDK some 20 us (1.45, five labels), because it checks and hashes the
labels each time; here it costs one. Nothing is lost by it: an observable instrument of its own
is asked before each collection, and passes on what has come together.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Iterable

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Counter, Meter, MeterProvider, Observation
from opentelemetry.util.types import AttributeValue

_MOST = 4096
"""Sums that are kept before they are passed on unasked."""

_NAME = "langchain_durable.tally"
"""Instruments of this name have no observations, so no exporter sees them."""

Labels = dict[str, AttributeValue]
_Key = tuple[Counter, tuple[tuple[str, AttributeValue], ...]]


class Tally:
    """Sums by counter and labels, since the last collection of one meter."""

    def __init__(self, meter: Meter, number: int = 0) -> None:
        self._forget()
        meter.create_observable_counter(f"{_NAME}.{number}", callbacks=[self._collected])
        itself = weakref.ref(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _forget(itself()))

    def _forget(self) -> None:
        """Start anew, as a forked process does: its parent reports what was there."""
        self._lock = threading.RLock()  # garbage may end a call inside of it
        self._sums: dict[_Key, tuple[float, float, Context | None]] = {}

    def add(
        self, counter: Counter, amount: float, labels: Labels, context: Context | None = None
    ) -> None:
        """Add to a counter. The span in the last ``context`` becomes the exemplar."""
        key = (counter, tuple(labels.items()))
        with self._lock:
            before = self._sums.get(key)
            so_far = before[0] + before[1] if before is not None else 0
            self._sums[key] = (so_far, amount, context)
            full = len(self._sums) > _MOST
        if full:
            self.flush()

    def flush(self) -> None:
        """Pass on what has come together."""
        with self._lock:
            sums, self._sums = self._sums, {}
        for (counter, labels), (before, last, context) in sums.items():
            if before:
                counter.add(before, dict(labels), Context())
            counter.add(last, dict(labels), context if context is not None else Context())

    def _collected(self, options: CallbackOptions) -> Iterable[Observation]:
        self.flush()
        return ()


def _forget(tally: Tally | None) -> None:
    if tally is not None:
        tally._forget()


_numbers = itertools.count()
_tallies: weakref.WeakKeyDictionary[MeterProvider, Tally] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def tally_of(provider: MeterProvider, meter: Meter) -> Tally:
    """The provider's tally: one for all, because a provider never lets go of a callback."""
    with _making:
        found = _tallies.get(provider)
        if found is None:
            found = _tallies[provider] = Tally(meter, next(_numbers))
        return found
