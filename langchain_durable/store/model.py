"""One run as the rules see it: who may have it, what may be appended, how it ends.

The readable counterpart of the Lua scripts. Nothing here reads a clock or waits: ``now``
is given, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_durable.events import RunStatus
from langchain_durable.journal import (
    FORMAT,
    MS,
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
from langchain_durable.store.outcomes import appended, fenced


@dataclass(slots=True, kw_only=True)
class Run:
    """A run's header and records. ``records`` is None once the journal has expired."""

    run_id: str
    retention: Retention
    created: int
    updated: int
    born: bytes
    fingerprint: bytes
    version: str
    fields: dict[str, bytes]
    status: RunStatus = RunStatus.RUNNING
    reason: str = ""
    attempt: int = 0
    seq: int = 0
    owner: str = ""
    lease: int = 0
    base: int = 0
    """Sequence number of the attempt's own record: an attempt still there has stalled."""
    stalls: int = 0
    cancel: bool = False
    was: tuple[RunStatus, str] | None = None
    """Status and reason before the last acquire, for when it is asked for again."""
    looped: bytes | None = None
    """What the request said that was told of a crash loop, for when it comes again."""
    records: list[Record] | None = field(default_factory=list)
    journal_ends: int | None = None
    header_ends: int | None = None

    @classmethod
    def opened(
        cls, opening: Opening, retention: Retention, now: int, born: bytes
    ) -> tuple[Run, Opened]:
        """A new run, held by its first attempt. ``born``: unlike any other run's."""
        run = cls(
            run_id=opening.run_id,
            retention=retention,
            created=now,
            updated=now,
            born=born,
            fingerprint=opening.fingerprint,
            version=opening.version,
            fields=dict(opening.fields),
        )
        run._begin(opening, now)
        return run, Opened(verdict=Verdict.NEW, lease=run._lease())

    # ------------------------------------------------------------------- acquire

    def acquire(self, opening: Opening, now: int) -> Opened:
        header = self.header(now)
        if refused := self._refusal(opening):
            return Opened(verdict=refused, header=header)
        if self._granted_before(opening):
            self.lease = now + opening.lease_ms
            return self._same_answer(header)
        if self.reason == "crash_loop" and self.looped == opening.draft.meta:
            return Opened(verdict=Verdict.CRASH_LOOP, header=header)
        left = self.lease - now
        if left > 0 and self.owner not in ("", opening.evict):
            return Opened(verdict=Verdict.HELD, header=header, held_ms=left)
        forgiven = self.status in (RunStatus.FAILED, RunStatus.CANCELLED) or self.seq > self.base
        self.stalls = 0 if forgiven else self.stalls + 1
        if self.stalls >= opening.max_stalls:
            self._end(RunStatus.FAILED, "crash_loop", now)
            self.looped = opening.draft.meta
            return Opened(verdict=Verdict.CRASH_LOOP, header=self.header(now))
        self.was = (self.status, self.reason)
        self._begin(opening, now)
        return Opened(verdict=Verdict.ACQUIRED, lease=self._lease(), header=header)

    def _refusal(self, opening: Opening) -> Verdict | None:
        if self.records is None:
            return Verdict.EXPIRED
        compared = opening.intent is Intent.CALL and opening.fingerprint and self.fingerprint
        if compared and opening.fingerprint != self.fingerprint:
            return Verdict.MISMATCH
        return Verdict.COMPLETED if self.status is RunStatus.COMPLETED else None

    def _granted_before(self, opening: Opening) -> bool:
        """Whether this very request was granted already, and its answer got lost."""
        last = self.records[-1] if self.records else None
        draft = opening.draft
        return (
            last is not None
            and self.owner == opening.owner
            and last.attempt == self.attempt
            and (last.kind, last.step, last.meta) == (draft.kind, draft.step, draft.meta)
        )

    def _same_answer(self, header: Header) -> Opened:
        if self.was is None:
            return Opened(verdict=Verdict.NEW, lease=self._lease())
        status, reason = self.was
        before = replace(header, status=status, reason=reason)
        return Opened(verdict=Verdict.ACQUIRED, lease=self._lease(), header=before)

    def _begin(self, opening: Opening, now: int) -> None:
        self.attempt += 1
        self._add(opening.draft)
        self.status, self.reason = RunStatus.RUNNING, ""
        self.owner, self.lease = opening.owner, now + opening.lease_ms
        self.base, self.updated, self.cancel = self.seq, now, False
        self.journal_ends = self.header_ends = None

    def _lease(self) -> Lease:
        return Lease(run_id=self.run_id, attempt=self.attempt, seq=self.seq, fence=self.born)

    def _fenced(self, lease: Lease) -> bool:
        """Whether it is another attempt's, or of a run that had the id before."""
        return (self.attempt, self.born) != (lease.attempt, lease.fence)

    # -------------------------------------------------------------------- append

    def append(
        self, lease: Lease, drafts: Sequence[Draft], seq: int, close: Close | None, now: int
    ) -> None:
        if self._fenced(lease):
            raise fenced(lease)
        answers = b"".join(
            self._append_one(draft, place) for place, draft in enumerate(drafts, start=seq)
        )
        last_is_in = answers.endswith(b"O") or not answers
        if close is not None and self.owner and last_is_in:
            self._close(close, now)
        appended(lease, seq, answers)

    def _append_one(self, draft: Draft, seq: int) -> bytes:
        if seq <= self.seq:
            return b"D" if self._is_there(draft, seq) else b"F"
        if not self.owner:
            return b"F"
        if seq > self.seq + 1:
            return b"G"
        if self.records is None:
            return b"L"
        self._add(draft)
        return b"O"

    def _is_there(self, draft: Draft, seq: int) -> bool:
        """Whether it is that record, and not one that a fork of the holder wrote in its place."""
        written = [record for record in self.records or () if record.seq == seq]
        return not written or (draft.kind, draft.step, draft.meta) == written[0][2:5]

    def _add(self, draft: Draft) -> None:
        self.seq += 1
        assert self.records is not None  # the callers have looked
        self.records.append(
            Record(
                seq=self.seq,
                attempt=self.attempt,
                kind=draft.kind,
                step=draft.step,
                meta=draft.meta,
                payload=draft.payload,
            )
        )

    def _close(self, close: Close, now: int) -> None:
        self.fields.update(close.fields)
        if close.status.ended:
            self._end(close.status, close.reason, now)
            return
        self.status, self.reason, self.updated = close.status, close.reason, now
        self.owner, self.lease = "", 0
        self.journal_ends = self.header_ends = None

    def _end(self, status: RunStatus, reason: str, now: int) -> None:
        self.status, self.reason, self.updated = status, reason, now
        self.owner, self.lease = "", 0
        journal, header = self.retention.journal, self.retention.header
        self.journal_ends = now + journal * 1000 if journal else None
        self.header_ends = now + header * 1000 if header else None

    # ------------------------------------------------------------------ the rest

    def renew(self, lease: Lease, lease_ms: int, now: int) -> bool:
        if self._fenced(lease) or not self.owner:
            raise fenced(lease)
        self.updated, self.lease = now, now + lease_ms
        return self.cancel

    def ask_to_stop(self, now: int) -> None:
        """Flag a run that is held, cancel one that nobody holds."""
        if self.status.ended:
            return
        self.cancel = True
        if not self.held_for(now):
            self._end(RunStatus.CANCELLED, "cancel", now)

    def held_for(self, now: int) -> int:
        """Milliseconds that are left of the lease."""
        return max(0, self.lease - now) if self.owner else 0

    def gone(self, now: int) -> bool:
        """Whether the header's time is over; drops the records once theirs is."""
        if self.journal_ends is not None and now >= self.journal_ends:
            self.records = None
        return self.header_ends is not None and now >= self.header_ends

    def header(self, now: int) -> Header:
        return Header(
            run_id=self.run_id,
            format=FORMAT,
            status=self.status,
            reason=self.reason,
            attempt=self.attempt,
            seq=self.seq,
            owner=self.owner,
            lease_ms=self.held_for(now),
            stalls=self.stalls,
            created=self.created * MS,
            updated=self.updated * MS,
            cancel=self.cancel,
            journal_alive=self.records is not None,
            fingerprint=self.fingerprint,
            version=self.version,
            fields=dict(self.fields),
        )
