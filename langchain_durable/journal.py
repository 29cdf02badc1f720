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
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from langchain_durable.arguments import is_whole
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import ASKS, RunStatus
from langchain_durable.waiting import Ticket

FORMAT = 1
"""Version of keys, header and records. A higher one in the store is refused."""

MS = 1_000_000
"""Nanoseconds, in which all times are told, of a millisecond, in which stores count."""

_LONGEST_LIFE = 1000 * 365 * 24 * 3600
"""Seconds. A server takes up to 292 million years, and nothing else than whole ones."""


class RecordKind(StrEnum):
    """One letter per event type; part of what makes an append idempotent."""

    ATTEMPT_STARTED = "A"
    STEP_STARTED = "s"
    STEP_ENDED = "e"
    ATTEMPT_ENDED = "Z"


class Draft(NamedTuple):
    """A record before it has a sequence number. ``meta`` is small, ``payload`` may be large."""

    kind: RecordKind
    meta: bytes
    step: bytes = b""
    payload: bytes | None = None


class Record(NamedTuple):
    """A record as read back: bytes only, nothing decoded."""

    seq: int
    attempt: int
    kind: RecordKind
    step: bytes
    meta: bytes
    payload: bytes | None = None


class HeaderField(StrEnum):
    """What a run's first attempt gives its header, once."""

    PROGRAM = "program"
    """The name that ``resume`` finds the program by."""

    INPUT = "input"
    INPUT_KEYS = "input_keys"
    """Fingerprints of the input's parts, to say what differs; JSON."""

    CALL = "call"
    """The method that was called, and with which ``configurable``."""

    METADATA = "metadata"
    """The caller's own; JSON."""

    TENANT = "tenant"
    """Who pays."""

    TRACE = "trace"
    ROOT_SPAN = "root_span"
    UNSAMPLED = "unsampled"
    """There if the app's sampler keeps the run's spans from being exported."""

    SERVICE = "service"
    """OpenTelemetry's ``service.name`` of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The small, mutable side of a run. ``created`` and ``updated`` are nanoseconds since the
    epoch, by the server's clock, which tells milliseconds.

    ``lease_ms`` is what was left of the lease when the header was read: 0 if nobody holds
    the run. ``fields`` are those that the run's first attempt gave (``Opening.fields``), as they
    were given. ``journal_alive`` is false when the header has outlived the journal.
    """

    run_id: str
    format: int
    status: RunStatus
    reason: str
    attempt: int
    seq: int
    owner: str
    lease_ms: int
    stalls: int
    created: int
    updated: int
    cancel: bool
    journal_alive: bool
    # Encoded, and the caller's own: neither is for a person or a log.
    fingerprint: bytes = field(repr=False)
    version: str
    fields: Mapping[str, bytes] = field(repr=False)

    @property
    def crashed(self) -> bool:
        """Did its process die, or fall silent for longer than its lease? It waits for a resume."""
        return self.status is RunStatus.RUNNING and self.lease_ms == 0

    @property
    def asks(self) -> bool:
        """Does the run wait for a person's answer?"""
        return self.status is RunStatus.PAUSED and self.reason == ASKS

    def text(self, field: HeaderField) -> str:
        """A field that is a text; empty if the run has none."""
        return self.fields.get(field, b"").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to append to a run, and the sequence number that its journal stood at.

    ``fence`` is the store's own: it tells the attempt from others, also from those of a run
    that had the id before.
    """

    run_id: str
    attempt: int
    seq: int
    fence: bytes = field(default=b"", compare=False, repr=False)


class Intent(StrEnum):
    """What an acquire is for."""

    CALL = "call"
    """The program's call with its input: opens a new run or goes on with an unfinished one."""

    CONTINUE = "continue"
    """The run must exist; the input is not compared (``None``, ``Command``, ``resume``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request for a run's lease.

    ``fingerprint`` and ``version`` are compared with the header's if both are non-empty.
    ``evict`` names an owner that is known to be dead: its lease does not count.
    ``draft`` is the attempt's first record, appended by the same atomic step. ``fields``
    are stored in the header if the run is new.
    """

    run_id: str
    owner: str
    lease_ms: int
    intent: Intent
    draft: Draft
    fingerprint: bytes = b""
    version: str = ""
    evict: str = ""
    max_stalls: int = 5
    fields: Mapping[str, bytes] = field(default_factory=dict)


class Verdict(StrEnum):
    """The answer to an :class:`Opening`, in the order in which the rules are tried."""

    MISSING = "missing"
    """Intent is CONTINUE and there is no such run."""
    TOO_NEW = "too_new"
    EXPIRED = "expired"
    """The header is there, the journal is not."""
    MISMATCH = "mismatch"
    """The fingerprint differs from the header's."""
    COMPLETED = "completed"
    HELD = "held"
    """Another owner's lease has not expired."""
    CRASH_LOOP = "crash_loop"
    """``max_stalls`` attempts in a row ended without a record after their first: the run
    is now ``failed``. (A run that is ``failed`` or ``cancelled`` is reopened: stalls 0.)"""
    NEW = "new"
    ACQUIRED = "acquired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an acquire gave. ``lease`` is set for NEW and ACQUIRED, ``header`` for all but
    MISSING and NEW. ``held_ms`` is what is left of the other owner's lease (HELD)."""

    verdict: Verdict
    lease: Lease | None = None
    header: Header | None = None
    held_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Seconds to live after a run has ended; while it is active or paused nothing expires.

    Raises ``ConfigurationError`` for what would leave a journal without its header, and for what
    the server would refuse, once a run has ended and half of its end is written.
    """

    events: int = 24 * 3600
    journal: int = 7 * 24 * 3600
    header: int = 30 * 24 * 3600

    def __post_init__(self) -> None:
        lives = (self.events, self.journal, self.header)
        sound = all(is_whole(life, 0) and life <= _LONGEST_LIFE for life in lives)
        if not sound or (self.header and not 0 < self.journal <= self.header):
            raise ConfigurationError(
                "The retention makes no sense.",
                expected="whole seconds, at most 1000 years, with a header that lives as long as "
                "its journal (0: for good)",
                came=f"events={self.events!r}, journal={self.journal!r}, header={self.header!r}",
                do="raise header, lower journal, or give 0 for what is to be kept",
            )


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
