"""Leases that are granted when nobody waits for them any more."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class LateLeases:
    """Gives them back, on one thread that lives as long as there is something to wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()

    def add(self, give_back: Callable[[], object]) -> None:
        """Call ``give_back``, which waits for the lease first. If that fails, it runs out."""
        with self._lock:
            self._waiting.append(give_back)
            if len(self._waiting) > 1:
                return
        threading.Thread(target=self._serve, name="langchain-durable-late", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with suppress(Exception):  # whatever it is, those behind it must have their turn
                    self._waiting[0]()
            finally:
                with self._lock:
                    self._waiting.popleft()
                    left = len(self._waiting)
            if not left:
                return
