"""The values that a metric's labels may have: short ones, and not too many."""

from __future__ import annotations

import logging
import threading

from langchain_durable.costs.once import Once

LONGEST = 100
"""Characters of a value that are kept."""

MOST = 200
"""Values that one label may have, from the start of the process on."""

OTHER = "other"
"""The value of a label that has had its most values already, for all further ones."""

once = Once(logging.getLogger(__name__))


class LabelValues:
    """Bounds what names from outside (models, tools, agents, tenants) cost a backend."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._lock = threading.RLock()  # garbage may end a call inside of it

    def bounded(self, label: str, value: str) -> str:
        """The value to report: cut to ``LONGEST``, or ``OTHER`` once ``MOST`` are known.

        The first value of a label that becomes ``OTHER`` is logged as a warning.
        """
        if len(value) > LONGEST:
            value = value[:LONGEST]
        known = self._known.get(label)
        if known is not None and value in known:
            return value
        return value if self._admits(label, value) else OTHER

    def _admits(self, label: str, value: str) -> bool:
        with self._lock:
            known = self._known.setdefault(label, set())
            if value in known or len(known) < MOST:
                known.add(value)
                return True
        once.warn(
            label,
            "The metrics' label %s has had %d values, so further ones are reported as %r. Do: "
            "give it values from a small set.",
            label,
            MOST,
            OTHER,
        )
        return False
