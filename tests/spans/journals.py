"""Journals for tests, entry by entry, each through its record and back."""

from __future__ import annotations

from langchain_durable.codec import decode_entry, encode_event
from langchain_durable.events import Entry, Event, RunStatus
from langchain_durable.journal import FORMAT, Header, Record

RUN_ID = "order-42"
TRACE = "0af7651916cd43dd8448eb211c80319c"
ROOT = "b7ad6b7169203331"


def entries_of(*events: tuple[int, Event]) -> list[Entry]:
    """The entries of a journal with these events, each with its attempt."""
    return [
        decode_entry(_record(seq, attempt, event))
        for seq, (attempt, event) in enumerate(events, start=1)
    ]


def _record(seq: int, attempt: int, event: Event) -> Record:
    draft = encode_event(event)
    return Record(seq=seq, attempt=attempt, kind=draft.kind, step=draft.step, meta=draft.meta)


def header(status: RunStatus = RunStatus.RUNNING, *, attempt: int = 1, reason: str = "") -> Header:
    """A run's header, whose trace is ``TRACE`` and whose root span is ``ROOT``."""
    return Header(
        run_id=RUN_ID,
        format=FORMAT,
        status=status,
        reason=reason,
        attempt=attempt,
        seq=0,
        owner="",
        lease_ms=0,
        stalls=0,
        created=0,
        updated=0,
        cancel=False,
        journal_alive=True,
        fingerprint=b"",
        version="",
        fields={"trace": TRACE.encode(), "root_span": ROOT.encode(), "program": b"shop"},
    )
