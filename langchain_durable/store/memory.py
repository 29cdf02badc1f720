"""Journals in memory: what a store must do, said as plainly as Python can.

For tests, and as the specification that the Lua scripts are compared with. Nothing here
survives the process.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from langchain_durable.errors import DurableError
from langchain_durable.events import RunStatus
from langchain_durable.journal import (
    Close,
    Draft,
    Header,
    Intent,
    Lease,
    Opened,
    Opening,
    Record,
    Retention,
    Verdict,
)
from langchain_durable.store.model import Run
from langchain_durable.store.outcomes import busy, gone
from langchain_durable.waiting import Ready, Ticket

T = TypeVar("T")
P = ParamSpec("P")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class MemoryStore:
    """A :class:`~langchain_durable.journal.Store` that lives as long as the process.

    ``clock`` gives milliseconds since the epoch.
    """

    def __init__(
        self, *, clock: Callable[[], int] = _now_ms, retention: Retention | None = None
    ) -> None:
        self._clock = clock
        self._retention = retention or Retention()
        self._lock = threading.RLock()  # see Attempt: garbage
        self._runs: dict[str, Run] = {}
        self._births = itertools.count(1)

    # The public methods are one line each: lock, do, wrap the outcome in a ticket.

    def acquire(self, opening: Opening) -> Ticket[Opened]:
        return self._ticket(self._acquire, opening)

    def append(
        self,
        lease: Lease,
        drafts: Sequence[Draft],
        *,
        seq: int,
        close: Close | None = None,
        send: bool = True,
    ) -> Ticket[None]:
        return self._ticket(self._append, lease, drafts, seq, close)

    def send(self) -> None:
        """There is nothing to send."""

    def renew(self, lease: Lease, lease_ms: int) -> Ticket[bool]:
        return self._ticket(self._renew, lease, lease_ms)

    def load(self, run_id: str, *, after: int = 0, limit: int = 1000) -> Ticket[Sequence[Record]]:
        return self._ticket(self._load, run_id, after, limit)

    def header(self, run_id: str) -> Ticket[Header | None]:
        return self._ticket(self._header, run_id)

    def headers(
        self, *, status: RunStatus | None = None, limit: int = 100
    ) -> Ticket[Sequence[Header]]:
        return self._ticket(self._headers, status, limit)

    def cancel(self, run_id: str) -> Ticket[Header | None]:
        return self._ticket(self._cancel, run_id)

    def delete(self, run_id: str) -> Ticket[bool]:
        return self._ticket(self._delete, run_id)

    def describe(self) -> Ticket[Mapping[str, Any]]:
        return Ready(
            {
                "server": "memory",
                "version": "",
                "eviction": "noeviction",
                "appendonly": False,
                "appendfsync": "no",
                "role": "master",
                "cluster": False,
                "url": "memory://",
            }
        )

    def close(self) -> None:
        """Nothing to give back: the runs stay for the next who opens the store."""

    def _ticket(self, do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Ready[T]:
        with self._lock:
            try:
                return Ready(do(*args, **kwargs))
            except DurableError as exc:
                return Ready(error=exc)

    def _acquire(self, opening: Opening) -> Opened:
        now = self._clock()
        run = self._run(opening.run_id)
        if run is not None:
            return run.acquire(opening, now)
        if opening.intent is Intent.CONTINUE:
            return Opened(verdict=Verdict.MISSING)
        born = b"%d" % next(self._births)
        self._runs[opening.run_id], opened = Run.opened(opening, self._retention, now, born)
        return opened

    def _append(self, lease: Lease, drafts: Sequence[Draft], seq: int, close: Close | None) -> None:
        self._leased(lease).append(lease, drafts, seq, close, self._clock())

    def _renew(self, lease: Lease, lease_ms: int) -> bool:
        return self._leased(lease).renew(lease, lease_ms, self._clock())

    def _leased(self, lease: Lease) -> Run:
        run = self._run(lease.run_id)
        if run is None:
            raise gone(lease)
        return run

    def _load(self, run_id: str, after: int, limit: int) -> Sequence[Record]:
        run = self._run(run_id)
        records = run.records if run is not None else None
        return [record for record in records or () if record.seq > after][: max(1, limit)]

    def _header(self, run_id: str) -> Header | None:
        run = self._run(run_id)
        return None if run is None else run.header(self._clock())

    def _headers(self, status: RunStatus | None, limit: int) -> Sequence[Header]:
        found = [self._header(run_id) for run_id in list(self._runs)]
        wanted = [h for h in found if h is not None and status in (None, h.status)]
        return sorted(wanted, key=lambda header: -header.updated)[:limit]

    def _cancel(self, run_id: str) -> Header | None:
        run = self._run(run_id)
        if run is None:
            return None
        run.ask_to_stop(self._clock())
        return run.header(self._clock())

    def _delete(self, run_id: str) -> bool:
        run = self._run(run_id)
        if run is None:
            return False
        if left := run.held_for(self._clock()):
            raise busy(run_id, run.owner, left)
        del self._runs[run_id]
        return True

    def _run(self, run_id: str) -> Run | None:
        """The run, unless its time to live is over."""
        run = self._runs.get(run_id)
        if run is not None and run.gone(self._clock()):
            del self._runs[run_id]
            return None
        return run
