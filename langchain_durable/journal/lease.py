"""The right to append to a run: how it is asked for, and what the answer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from langchain_durable.journal.header import Header
from langchain_durable.journal.records import Draft


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
