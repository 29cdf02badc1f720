"""Reading the journal of a run, for an attempt that goes on with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_durable.codec import decode_entry
from langchain_durable.errors import JournalCorrupt
from langchain_durable.events import Entry, StepEnded, StepStarted
from langchain_durable.identity.index import Index
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.attempt import ARGUMENTS
from langchain_durable.recorder.ending import RESULT
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Procedure

PAGE = 100
"""Entries that are read at once: an event loop stands still for them, and payloads may be large."""


def load_index(runtime: Runtime, run_id: str, *, upto: int) -> Procedure[Index]:
    """Read the journal up to a sequence number, and index it."""
    return indexed(run_id, (yield from load_entries(runtime, run_id, upto=upto)))


def load_entries(runtime: Runtime, run_id: str, *, upto: int) -> Procedure[list[Entry]]:
    """Read the journal up to a sequence number. Payloads stay undecoded."""
    entries: list[Entry] = []
    after = 0
    while after < upto:
        records = yield runtime.store.load(run_id, after=after, limit=min(PAGE, upto - after))
        if not records:
            break
        entries += [decode_entry(record) for record in records]
        after = records[-1].seq
    if (after, len(entries)) != (upto, upto):  # they are numbered from 1, without gaps
        raise JournalCorrupt(
            f"The journal of run {run_id!r} lacks records.",
            expected=f"{upto} records, as its header says",
            came="fewer: something has removed some of them",
            do="restore it from a backup; or delete the run, and begin it anew",
        )
    return entries


def indexed(run_id: str, entries: Sequence[Entry]) -> Index:
    """The index of a run's entries."""
    try:
        return Index(entries)
    except (KeyError, AttributeError, TypeError, ValueError) as exc:
        unknown = isinstance(exc, KeyError)
        raise JournalCorrupt(
            f"The journal of run {run_id!r} does not fit together.",
            expected="every record's step, and what it stands under, declared before it",
            came=f"an unknown node ({exc})" if unknown else f"another form of record ({exc})",
            do="do not resume this run; delete it and start anew",
        ) from exc


def decode_payload(runtime: Runtime, run_id: str, entry: Entry) -> Any:
    """The value that an entry carries."""
    assert entry.payload is not None  # who asks has looked
    event = entry.event
    if isinstance(event, StepStarted):
        where = bind(run_id, event.step, ARGUMENTS)
    elif isinstance(event, StepEnded):
        where = bind(run_id, event.step)
    else:
        where = bind(run_id, b"", RESULT)
    return runtime.codec.decode(entry.payload, bind=where)
