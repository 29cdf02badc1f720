"""What a store of journals must do: the port that Redis and memory implement.

A run's journal is an append-only list of records with consecutive sequence numbers from
1, beside a header. Only the attempt that holds the run's lease may append. ``attempt`` is
the fencing token: it grows with each acquire, and a write that carries an older one is
refused, as is one of an attempt of an earlier run under the same id. A store never decodes
what it keeps.

All methods return tickets, so that sync and async callers share one writer; writes of
one run take effect in the order in which they were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_durable.events import RunStatus
from langchain_durable.journal.header import Header
from langchain_durable.journal.lease import Lease, Opened, Opening
from langchain_durable.journal.records import Draft, Record
from langchain_durable.waiting import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """With the last append of an attempt: the run's new status, and the lease given back."""

    status: RunStatus
    reason: str = ""
    fields: Mapping[str, bytes] = field(default_factory=dict)
    """Header fields to set, such as a summary for lists."""


class Store(Protocol):
    """Where journals live. See the module's docstring for the rules that hold for all."""

    def acquire(self, opening: Opening) -> Ticket[Opened]:
        """Ask for the run's lease; atomic, and safe to send twice (same owner, same answer)."""
        ...

    def append(
        self,
        lease: Lease,
        drafts: Sequence[Draft],
        *,
        seq: int,
        close: Close | None = None,
        send: bool = True,
    ) -> Ticket[None]:
        """Append records with the sequence numbers ``seq, seq + 1, ...``.

        The caller counts: the first append after an acquire has ``lease.seq + 1``. A
        record that is already there under this lease is a duplicate and counts as done,
        so sending twice is safe. The ticket raises ``RunFenced`` if another attempt holds
        the run, ``RunNotFound`` if it was deleted, ``JournalGap`` if the server has lost
        records, ``JournalCorrupt`` if something else has written into the journal.

        The bytes go out at once, in order; whoever does not need the answer lets the
        ticket go. Appends asked for together share a round trip. With ``send=False`` they go
        out with the next :meth:`send`, and nothing blocks before it.
        """
        ...

    def send(self) -> None:
        """Send what was appended. A thread may block in it; an event loop does not."""
        ...

    def renew(self, lease: Lease, lease_ms: int) -> Ticket[bool]:
        """Extend the lease. True: a cancel was asked for. Raises as ``append``."""
        ...

    def load(self, run_id: str, *, after: int = 0, limit: int = 1000) -> Ticket[Sequence[Record]]:
        """Records with a sequence number above ``after``, oldest first, at most ``limit``."""
        ...

    def header(self, run_id: str) -> Ticket[Header | None]: ...

    def headers(
        self, *, status: RunStatus | None = None, limit: int = 100
    ) -> Ticket[Sequence[Header]]:
        """Headers of the runs last updated, newest first."""
        ...

    def cancel(self, run_id: str) -> Ticket[Header | None]:
        """Ask the active attempt to stop; a run nobody holds is ``cancelled`` at once.

        Gives the header as it is afterwards; None if there is no such run."""
        ...

    def delete(self, run_id: str) -> Ticket[bool]:
        """Remove a run. False if there was none. Raises ``RunBusy`` while a lease is live."""
        ...

    def describe(self) -> Ticket[Mapping[str, Any]]:
        """Facts about the server for ``doctor``: ``server``, ``version``, ``eviction``,
        ``appendonly``, ``appendfsync``, ``role``, ``cluster``, ``url`` (without password)."""
        ...

    def close(self) -> None: ...
