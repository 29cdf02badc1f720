"""Events as records and back: small positional metas beside payloads that stay encoded.

A meta is a msgpack array whose empty fields at the end are left out. Span ids are 8 raw
bytes, enumerations their place in a fixed row, and of a chain of new nodes each one
omits the parent that stands before it and the last one the id that is the step's.
"""

from __future__ import annotations

from typing import Any

import ormsgpack

from langchain_durable.codec.packed import WRITERS
from langchain_durable.codec.parsed import READERS
from langchain_durable.codec.wire import unpack
from langchain_durable.errors import JournalCorrupt, JournalTooNew
from langchain_durable.events import Entry, Event
from langchain_durable.journal import Draft, Record
from langchain_durable.plain import plain

_OPTIONS = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_UUID
)


def encode_event(event: Event, *, payload: bytes | None = None) -> Draft:
    """The record to append for ``event``; ``payload`` comes from the codec.

    What is not plain in ``attributes``, and a text that is not UTF-8, is written as text.
    """
    kind, fields_of = WRITERS[type(event)]
    fields = fields_of(event)
    while not fields[-1] and type(fields[-1]) is not int:
        fields.pop()
    return Draft(kind=kind, meta=_pack(fields), step=getattr(event, "step", b""), payload=payload)


def decode_entry(record: Record) -> Entry:
    """The entry in a record. Raises ``JournalCorrupt`` or, for more fields than this
    release knows, ``JournalTooNew``."""
    read, known = READERS[record.kind]
    try:
        fields = unpack(record.meta)
        if type(fields) is not list:
            raise ValueError("not a list")
        if len(fields) > known:
            raise _too_new(record, known)
        fields.extend([None] * (known - len(fields)))
        event = read(fields, record.step)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        raise JournalCorrupt(
            f"Record {record.seq} of kind {record.kind.name.lower()} cannot be read.",
            expected="an event as encode_event writes it",
            came=f"{record.meta[:40]!r} ({exc})",
        ) from exc
    return Entry(seq=record.seq, attempt=record.attempt, event=event, payload=record.payload)


def _pack(fields: list[Any]) -> bytes:
    try:
        return ormsgpack.packb(fields, None, _OPTIONS)
    except TypeError:
        # A call's id may be a UUID, an error's message quote a file name that is not UTF-8. What
        # is only told of a call must not cost it.
        return ormsgpack.packb(plain(fields), None, _OPTIONS)


def _too_new(record: Record, known: int) -> JournalTooNew:
    return JournalTooNew(
        f"Record {record.seq} was written by a newer release of langchain-durable.",
        expected=f"at most {known} fields",
        came="more",
        do="upgrade this process",
    )
