"""What the stores say when they refuse, the same words for all of them."""

from __future__ import annotations

from langchain_durable.errors import ConfigurationError, JournalGap, RunBusy, RunFenced
from langchain_durable.journal import Lease, Retention


def appended(lease: Lease, seq: int, letters: bytes) -> None:
    """Judge the answers to an append: one letter per record, O, D, F or G."""
    if b"F" in letters:
        raise fenced(lease)
    if b"G" in letters:
        raise gap(lease, seq + letters.index(b"G"))


def fenced(lease: Lease) -> RunFenced:
    """The error for an attempt that holds the run no more."""
    return RunFenced(
        lease.run_id,
        f"attempt {lease.attempt} holds it no more.",
        expected="the lease of this attempt",
        came="another attempt's, or none: it was taken over, given back, cancelled or deleted",
        do="let this attempt end; the run goes on where it is held now",
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


def check_retention(retention: Retention) -> Retention:
    """Refuse times to live that would leave a journal without its header."""
    lives = (retention.events, retention.journal, retention.header)
    if min(lives) < 0 or (retention.header and not 0 < retention.journal <= retention.header):
        raise ConfigurationError(
            "The retention makes no sense.",
            expected="seconds, with a header that lives as long as its journal (0: for good)",
            came=f"events={lives[0]}, journal={lives[1]}, header={lives[2]}",
            do="raise header, or lower journal",
        )
    return retention
