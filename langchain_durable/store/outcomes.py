"""What the stores say when they refuse, the same words for all of them."""

from __future__ import annotations

from langchain_durable.errors import (
    JournalCorrupt,
    JournalError,
    JournalGap,
    RunBusy,
    RunError,
    RunFenced,
    RunNotFound,
)
from langchain_durable.journal import Lease


def appended(lease: Lease, seq: int, letters: bytes) -> None:
    """Judge the answers to an append: one letter per record, see ``append.lua``."""
    refused = letters.lstrip(b"OD")
    if refused:
        raise refusal(lease, refused[:1], seq + len(letters) - len(refused))


def refusal(lease: Lease, letter: bytes, seq: int = 0) -> RunError | JournalError:
    """The error for a letter of ``append.lua``; ``seq`` is that of the record refused."""
    if letter == b"F":
        return fenced(lease)
    if letter == b"N":
        return gone(lease)
    if letter == b"L":
        return lost(lease)
    if letter == b"H":
        return corrupt(lease.run_id, "a journal without its header")
    if letter == b"X":
        came = "an entry at its end that langchain-durable did not write"
        return corrupt(lease.run_id, came)
    return gap(lease, seq)


def fenced(lease: Lease) -> RunFenced:
    """The error for an attempt that holds the run no more."""
    return RunFenced(
        lease.run_id,
        f"attempt {lease.attempt} holds it no more.",
        expected="the lease of this attempt",
        came="another attempt's, or none: it was taken over, given back, cancelled or deleted",
        do="let this attempt end; the run goes on where it is held now",
    )


def gone(lease: Lease) -> RunNotFound:
    """The error for an attempt whose run has no header and no records any more."""
    return RunNotFound(
        lease.run_id,
        "it is not there any more.",
        expected=f"what attempt {lease.attempt} and those before it have recorded",
        came="nothing: the run was deleted, or the server lost it (FLUSHALL, eviction, a "
        "restart without its data)",
        do="find out what removed it (`langchain-durable doctor`); the same call would begin "
        "the run anew, with its first step",
    )


def lost(lease: Lease) -> JournalGap:
    """The error for an attempt whose records have gone, and the header has not."""
    return JournalGap(
        f"The journal of run {lease.run_id!r} is gone.",
        expected=f"the records of attempt {lease.attempt} and those before it",
        came="only the run's header: the server evicted or lost the records, or something "
        "deleted them",
        do="set maxmemory-policy to noeviction (`langchain-durable doctor` looks), then use a new "
        "run_id, or delete this run and begin it anew",
    )


def corrupt(run_id: str, came: str) -> JournalCorrupt:
    """The error for what is stored for a run, and is not what we have stored."""
    return JournalCorrupt(
        f"The journal of run {run_id!r} is damaged, or not ours.",
        expected="a header and records as langchain-durable writes them",
        came=came,
        do="restore it from a backup, or delete the run",
    )


def gap(lease: Lease, seq: int) -> JournalGap:
    """The error for a record that does not follow the last one."""
    return JournalGap(
        f"The journal of run {lease.run_id!r} does not end before record {seq}.",
        expected=f"record {seq - 1} as the last one",
        came="another one: the server lost records that it had acknowledged, as after a failover",
        do="run it again under the same id: what was lost is executed again",
    )


def busy(run_id: str, owner: str, left: int) -> RunBusy:
    """The error for removing a run that an attempt holds."""
    return RunBusy(
        run_id,
        "it is being executed.",
        expected="a run that nobody holds",
        came=f"a lease of {owner} for {left} ms",
        do="cancel it and wait until it has stopped",
    )
