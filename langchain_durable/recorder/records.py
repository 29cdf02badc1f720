"""The order of an attempt's records, whichever threads they come from."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from langchain_durable.journal import Close, Draft, Lease, Store
from langchain_durable.waiting import Ready, Ticket

Wanted = Callable[[Close | None], bool]

SETTLED: Ready[None] = Ready(None)
"""The ticket of a record that nobody waits for."""


class Records:
    """Numbers an attempt's records, and has the store write them one after the other."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._lease: Lease | None = None
        self._seq = 0
        self.forget_parent()

    def forget_parent(self) -> None:
        """Start anew, also in a forked child, whose parent may have been appending."""
        # Taken twice by a thread whose garbage is collected inside of it: a stream that nobody
        # reads any more is closed then, which records that it was left.
        self._lock = threading.RLock()
        self._appending = False
        self._postponed: deque[tuple[Draft, Close | None]] = deque()

    def opened(self, store: Store, lease: Lease | None) -> None:
        """Where to write, and after what; without a lease nothing will come."""
        self._store, self._lease = store, lease
        if lease is not None:
            self._seq = lease.seq

    def append(self, draft: Draft, close: Close | None, wanted: Wanted) -> Ticket[None]:
        """Have a record written; the ticket is the acknowledgement.

        ``wanted`` is asked in the record's turn, with what it closes: it raises if the journal is
        lost, and says no to what comes after the end. It is not kept: it is the attempt's own, and
        the two would live on together, with all that the attempt has read, as garbage.
        """
        with self._lock:
            if self._appending:
                # We are garbage of this very thread: our record comes after the one under way.
                self._postponed.append((draft, close))
                return SETTLED
            ticket = self._post(draft, close, wanted)
            while self._postponed:
                self._post(*self._postponed.popleft(), wanted)
        if ticket is not SETTLED and self._store is not None:
            # Not under the lock: a thread that sends much would hold up the run's event loop.
            self._store.send()
        return ticket

    def _post(self, draft: Draft, close: Close | None, wanted: Wanted) -> Ticket[None]:
        self._appending = True
        try:
            if not wanted(close):
                return SETTLED
            # recall() has refused live steps of an attempt that has neither
            assert self._store is not None
            assert self._lease is not None
            self._seq += 1
            return self._store.append(self._lease, [draft], seq=self._seq, close=close, send=False)
        finally:
            self._appending = False
