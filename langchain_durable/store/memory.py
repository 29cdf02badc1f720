"""Journals in memory: what a store must do, said as plainly as Python can.

For tests, and as the specification that the Lua scripts are compared with. Nothing here
survives the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

from langchain_durable.errors import DurableError, RunBusy
from langchain_durable.events import RunStatus
from langchain_durable.journal import (
    FORMAT,
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
from langchain_durable.store.outcomes import appended, check_retention, fenced
from langchain_durable.waiting import Ready, Ticket

T = TypeVar("T")
P = ParamSpec("P")

_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run: the fields of its header, and its records."""

    status: RunStatus
    reason: str
    attempt: int
    seq: int
    owner: str
    lease: int
    base: int
    """Sequence number of the attempt's own record: an attempt still there has stalled."""
    stalls: int
    created: int
    updated: int
    cancel: bool
    fingerprint: bytes
    version: str
    was: tuple[RunStatus, str] | None
    """Status and reason before the last acquire, for when it is asked for again."""
    fields: dict[str, bytes]
    records: list[Record] | None = field(default_factory=list)
    journal_ends: int | None = None
    header_ends: int | None = None


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
        self._retention = check_retention(retention or Retention())
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}

    # The public methods are one line each: lock, do, wrap the outcome in a ticket.

    def acquire(self, opening: Opening) -> Ticket[Opened]:
        return self._ticket(self._acquire, opening)

    def append(
        self, lease: Lease, drafts: Sequence[Draft], *, seq: int, close: Close | None = None
    ) -> Ticket[None]:
        return self._ticket(self._append, lease, drafts, seq, close)

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

    # ------------------------------------------------------------------- acquire

    def _acquire(self, opening: Opening) -> Opened:
        now = self._clock()
        run = self._run(opening.run_id)
        if run is None:
            if opening.intent is Intent.CONTINUE:
                return Opened(verdict=Verdict.MISSING)
            return self._open(opening, now)
        header = self._as_header(opening.run_id, run)
        if refused := self._refusal(run, opening):
            return Opened(verdict=refused, header=header)
        if self._is_repeated(run, opening):
            return self._same_answer(run, opening, header, now)
        left = run.lease - now
        if left > 0 and run.owner not in ("", opening.evict):
            return Opened(verdict=Verdict.HELD, header=header, held_ms=left)
        stalls = 0
        if run.status not in (RunStatus.FAILED, RunStatus.CANCELLED) and run.seq <= run.base:
            stalls = run.stalls + 1
        if stalls >= opening.max_stalls:
            run.stalls = stalls
            self._end(run, RunStatus.FAILED, "crash_loop", now)
            header = self._as_header(opening.run_id, run)
            return Opened(verdict=Verdict.CRASH_LOOP, header=header)
        self._reopen(run, opening, now, stalls)
        return Opened(verdict=Verdict.ACQUIRED, lease=_lease(opening.run_id, run), header=header)

    def _open(self, opening: Opening, now: int) -> Opened:
        run = _Run(
            status=RunStatus.RUNNING,
            reason="",
            attempt=1,
            seq=0,
            owner=opening.owner,
            lease=now + opening.lease_ms,
            base=1,
            stalls=0,
            created=now,
            updated=now,
            cancel=False,
            fingerprint=opening.fingerprint,
            version=opening.version,
            was=None,
            fields=dict(opening.fields),
        )
        _add(run, opening.draft)
        self._runs[opening.run_id] = run
        return Opened(verdict=Verdict.NEW, lease=_lease(opening.run_id, run))

    def _refusal(self, run: _Run, opening: Opening) -> Verdict | None:
        if run.records is None:
            return Verdict.EXPIRED
        if (
            opening.intent is Intent.CALL
            and opening.fingerprint
            and run.fingerprint
            and opening.fingerprint != run.fingerprint
        ):
            return Verdict.MISMATCH
        return Verdict.COMPLETED if run.status is RunStatus.COMPLETED else None

    def _is_repeated(self, run: _Run, opening: Opening) -> bool:
        """Whether this request was granted already, and its answer got lost."""
        last = run.records[-1] if run.records else None
        return (
            last is not None
            and run.owner == opening.owner
            and last.attempt == run.attempt
            and (last.kind, last.step) == (opening.draft.kind, opening.draft.step)
            and last.meta == opening.draft.meta
        )

    def _same_answer(self, run: _Run, opening: Opening, header: Header, now: int) -> Opened:
        run.lease = now + opening.lease_ms
        lease = _lease(opening.run_id, run)
        if run.was is None:
            return Opened(verdict=Verdict.NEW, lease=lease)
        status, reason = run.was
        return Opened(
            verdict=Verdict.ACQUIRED,
            lease=lease,
            header=replace(header, status=status, reason=reason),
        )

    def _reopen(self, run: _Run, opening: Opening, now: int, stalls: int) -> None:
        run.was = (run.status, run.reason)
        run.status, run.reason = RunStatus.RUNNING, ""
        run.attempt += 1
        _add(run, opening.draft)
        run.owner, run.lease = opening.owner, now + opening.lease_ms
        run.base, run.stalls, run.updated, run.cancel = run.seq, stalls, now, False
        run.journal_ends = run.header_ends = None

    # -------------------------------------------------------------------- append

    def _append(self, lease: Lease, drafts: Sequence[Draft], seq: int, close: Close | None) -> None:
        run = self._run(lease.run_id)
        if run is None or run.attempt != lease.attempt:
            raise fenced(lease)
        answers = b""
        for place, draft in enumerate(drafts, start=seq):
            answers += self._append_one(run, draft, place)
        given_back = not run.owner
        if close is not None and not given_back and not answers.endswith((b"D", b"F", b"G")):
            self._close(run, close)
        appended(lease, seq, answers)

    def _append_one(self, run: _Run, draft: Draft, seq: int) -> bytes:
        if seq <= run.seq:
            return b"D"
        if not run.owner:
            return b"F"
        if seq > run.seq + 1 or run.records is None:
            return b"G"
        _add(run, draft)
        return b"O"

    def _close(self, run: _Run, close: Close) -> None:
        now = self._clock()
        run.fields.update(close.fields)
        if close.status in _ENDED:
            self._end(run, close.status, close.reason, now)
            return
        run.status, run.reason, run.updated = close.status, close.reason, now
        run.owner, run.lease = "", 0
        run.journal_ends = run.header_ends = None

    def _end(self, run: _Run, status: RunStatus, reason: str, now: int) -> None:
        run.status, run.reason, run.updated = status, reason, now
        run.owner, run.lease = "", 0
        journal, header = self._retention.journal, self._retention.header
        run.journal_ends = now + journal * 1000 if journal else None
        run.header_ends = now + header * 1000 if header else None

    # ------------------------------------------------------- the smaller methods

    def _renew(self, lease: Lease, lease_ms: int) -> bool:
        run = self._run(lease.run_id)
        if run is None or run.attempt != lease.attempt or not run.owner:
            raise fenced(lease)
        run.updated = self._clock()
        run.lease = run.updated + lease_ms
        return run.cancel

    def _load(self, run_id: str, after: int, limit: int) -> Sequence[Record]:
        run = self._run(run_id)
        records = run.records if run is not None else None
        return [record for record in records or () if record.seq > after][: max(1, limit)]

    def _header(self, run_id: str) -> Header | None:
        run = self._run(run_id)
        return None if run is None else self._as_header(run_id, run)

    def _headers(self, status: RunStatus | None, limit: int) -> Sequence[Header]:
        found = [self._header(run_id) for run_id in list(self._runs)]
        wanted = [h for h in found if h is not None and status in (None, h.status)]
        return sorted(wanted, key=lambda header: -header.updated)[:limit]

    def _cancel(self, run_id: str) -> Header | None:
        run = self._run(run_id)
        if run is None:
            return None
        if run.status not in _ENDED:
            run.cancel = True
            if not run.owner or run.lease <= self._clock():
                self._end(run, RunStatus.CANCELLED, "cancel", self._clock())
        return self._as_header(run_id, run)

    def _delete(self, run_id: str) -> bool:
        run = self._run(run_id)
        if run is None:
            return False
        left = run.lease - self._clock()
        if run.owner and left > 0:
            raise RunBusy(
                run_id,
                "it is being executed.",
                expected="a run that nobody holds",
                came=f"a lease of {run.owner} for {left} ms",
                do="cancel it and wait until it has stopped",
            )
        del self._runs[run_id]
        return True

    def _run(self, run_id: str) -> _Run | None:
        """The run, as far as its times to live have left it."""
        run = self._runs.get(run_id)
        if run is None:
            return None
        now = self._clock()
        if run.header_ends is not None and now >= run.header_ends:
            del self._runs[run_id]
            return None
        if run.journal_ends is not None and now >= run.journal_ends:
            run.records = None
        return run

    def _as_header(self, run_id: str, run: _Run) -> Header:
        return Header(
            run_id=run_id,
            format=FORMAT,
            status=run.status,
            reason=run.reason,
            attempt=run.attempt,
            seq=run.seq,
            owner=run.owner,
            lease_ms=max(0, run.lease - self._clock()) if run.owner else 0,
            stalls=run.stalls,
            created=run.created,
            updated=run.updated,
            cancel=run.cancel,
            journal_alive=run.records is not None,
            fingerprint=run.fingerprint,
            version=run.version,
            fields=dict(run.fields),
        )


def _add(run: _Run, draft: Draft) -> None:
    run.seq += 1
    assert run.records is not None  # the callers have looked
    run.records.append(
        Record(
            seq=run.seq,
            attempt=run.attempt,
            kind=draft.kind,
            step=draft.step,
            meta=draft.meta,
            payload=draft.payload,
        )
    )


def _lease(run_id: str, run: _Run) -> Lease:
    return Lease(run_id=run_id, attempt=run.attempt, seq=run.seq)
