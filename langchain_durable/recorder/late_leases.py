"""Leases that are granted when nobody waits for them any more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from langchain_durable.errors import JournalUnavailable
from langchain_durable.threads import started


class LateLeases:
    """Gives them back, on one thread that lives as long as there is something to wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()
        self._serving = False

    def add(self, give_back: Callable[[], object]) -> None:
        """Call ``give_back``, which waits for the lease first. If that fails, it runs out."""
        with self._lock:
            self._waiting.append(give_back)
            if not self._serving:
                with suppress(JournalUnavailable):  # no thread now: the next one brings it
                    started(self._serve, "langchain-durable-late")
                    self._serving = True

    def _serve(self) -> None:
        while True:
            try:
                with suppress(Exception):  # whatever it is, those behind it must have their turn
                    self._waiting[0]()
            finally:
                with self._lock:
                    self._waiting.popleft()
                    left = self._serving = bool(self._waiting)
            if not left:
                return
