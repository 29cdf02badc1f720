"""Keeping leases alive: one thread per handle renews those of all active attempts.

An attempt that runs on an event loop is renewed only while that loop turns: a wedged loop
would otherwise hold its run for ever.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field

from langchain_durable.errors import DurableError, RunFenced, RunNotFound
from langchain_durable.journal import Store
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.threads import started

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Kept:
    attempt: Attempt
    loop: asyncio.AbstractEventLoop | None
    turned: float = field(default_factory=time.monotonic)
    asked: bool = False

    def turn(self) -> None:
        self.turned = time.monotonic()
        self.asked = False

    def wedged(self, lease: float) -> bool:
        """Ask the loop for a sign of life; true if it has given none for a whole lease."""
        if self.loop is None:
            return False
        if not self.asked:
            self.asked = True
            try:
                self.loop.call_soon_threadsafe(self.turn)
            except RuntimeError:  # the loop is closed
                return True
        return time.monotonic() - self.turned > lease


class LeaseKeeper:
    """Renews the leases of active attempts, three times in the length of one."""

    def __init__(self, store: Store, lease: float) -> None:
        self._store = store
        self._lease = lease
        self._kept: dict[int, _Kept] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def keep(self, attempt: Attempt) -> None:
        """Renew this attempt's lease until it is let go, from when it has one."""
        kept = _Kept(attempt, _running_loop())
        with self._changed:
            if self._thread is None:
                self._thread = started(self._run, "langchain-durable-leases")
            self._kept[id(attempt)] = kept

    def let_go(self, attempt: Attempt) -> None:
        with self._changed:
            self._kept.pop(id(attempt), None)

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(self._lease / 3)
                if self._stopping:
                    return
                kept = list(self._kept.values())
            self._renew([k for k in kept if not k.wedged(self._lease)])

    def _renew(self, kept: list[_Kept]) -> None:
        asked = []
        for k in kept:
            lease = k.attempt.lease
            if lease is not None and not k.attempt.closed:
                asked.append((k.attempt, self._store.renew(lease, int(self._lease * 1000))))
        for attempt, ticket in asked:
            try:
                if ticket.result():
                    attempt.cancelled = True
            except (RunFenced, RunNotFound) as exc:
                if not attempt.closed:
                    attempt.stop(exc)
            except DurableError as exc:
                # The lease may still be ours; the next append decides.
                logger.warning("could not renew the lease of run %r: %s", attempt.run_id, exc)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
