"""What Redis gave back, as headers and records; what is not ours is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from langchain_durable.errors import JournalCorrupt, JournalTooNew
from langchain_durable.events import RunStatus
from langchain_durable.journal import FORMAT, MS, Header, Record, RecordKind
from langchain_durable.store import outcomes
from langchain_durable.store.keys import Keys
from langchain_durable.store.resp import Command

REFUSED = (JournalCorrupt, JournalTooNew)
"""Errors for what is stored, as opposed to errors of the server."""

TIME: Command = ("TIME",)

_MOST = 253_402_214_400_000
"""The end of the year 9999, as far as calendars reach. ``acquire.lua`` has it too."""

FIELD = b"."
"""Before the name of each field that the recorder gave, in the header's hash."""


def corrupt(run_id: str, came: str) -> NoReturn:
    """Refuse what is stored for a run."""
    raise outcomes.corrupt(run_id, came)


def too_new(run_id: str, came: int) -> NoReturn:
    """Refuse what a newer release has written."""
    raise JournalTooNew(
        f"The journal of run {run_id!r} was written by a newer release.",
        expected=f"format {FORMAT} or older",
        came=f"format {came}",
        do="upgrade langchain-durable",
    )


def pairs(reply: Any) -> dict[bytes, bytes]:
    """A hash, which RESP2 gives as a flat list and RESP3 as a map."""
    if isinstance(reply, dict):
        return reply
    return dict(zip(reply[::2], reply[1::2], strict=True))


def header(run_id: str, reply: Any, *, now: int, journal_alive: bool) -> Header:
    """The header in a meta hash."""
    stored = pairs(reply)
    written = number(run_id, stored, b"format")
    if written > FORMAT:
        too_new(run_id, written)
    lease = number(run_id, stored, b"lease")
    owner = text(run_id, stored, b"owner")
    return Header(
        run_id=run_id,
        format=written,
        status=_status(run_id, stored),
        reason=text(run_id, stored, b"reason"),
        attempt=number(run_id, stored, b"attempt"),
        seq=number(run_id, stored, b"seq"),
        owner=owner,
        lease_ms=max(0, lease - now) if owner else 0,
        stalls=number(run_id, stored, b"stalls"),
        created=number(run_id, stored, b"created") * MS,
        updated=number(run_id, stored, b"updated") * MS,
        cancel=stored.get(b"cancel") == b"1",
        journal_alive=journal_alive,
        fingerprint=_field(run_id, stored, b"fingerprint"),
        version=text(run_id, stored, b"version"),
        fields=_fields(stored),
    )


def header_commands(keys: Keys, run_id: str) -> tuple[Command, Command]:
    """What to ask, after ``TIME``, for :func:`stored_header`."""
    return ("HGETALL", keys.meta(run_id)), ("EXISTS", keys.journal(run_id))


def stored_header(run_id: str, time: Any, stored: Any, alive: Any) -> Header | None:
    """The header in the replies to ``TIME`` and :func:`header_commands`, if there is one."""
    if not stored:
        return None
    now = int(time[0]) * 1000 + int(time[1]) // 1000
    return header(run_id, stored, now=now, journal_alive=alive == 1)


def newer_header(run_id: str, reply: Any) -> Header:
    """As much of a newer release's header as can be told."""
    stored = pairs(reply)
    return Header(
        run_id=run_id,
        format=number(run_id, stored, b"format"),
        status=RunStatus.RUNNING,
        reason="",
        attempt=0,
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
        fields={},
    )


def record(run_id: str, entry: Any, blobs: Mapping[bytes, bytes | None]) -> Record:
    """The record in a stream's entry; ``blobs`` has the payloads stored beside it."""
    ident, flat = entry
    sequence, _, rest = ident.partition(b"-")
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    if rest != b"0" or not fields.keys() >= _ALWAYS:
        corrupt(run_id, f"entry {ident!r} with the fields {sorted(fields)!r}")
    head = fields[b"h"]
    try:
        kind = _KINDS[head[:1]]
        seq, attempt = int(sequence), int(fields[b"a"])
    except (KeyError, ValueError):
        corrupt(run_id, f"entry {ident!r} of kind {head[:1]!r}")
    payload = fields.get(b"p")
    if (digest := fields.get(b"b")) is not None:
        payload = blobs.get(digest)
        if payload is None:
            corrupt(run_id, f"entry {ident!r} without its payload")
    return Record(seq, attempt, kind, head[2:], fields[b"m"], payload)


_ALWAYS = frozenset((b"h", b"a", b"m"))
_KINDS = {kind.value.encode(): kind for kind in RecordKind}


def digests(entries: Sequence[Any]) -> list[bytes]:
    """The digests of the payloads that are not in the entries themselves."""
    found: Iterable[bytes] = (
        flat[2 * names.index(b"b") + 1] for _, flat in entries if b"b" in (names := flat[::2])
    )
    return list(dict.fromkeys(found))


def number(run_id: str, stored: Mapping[bytes, bytes], name: bytes) -> int:
    """A field that is a number: a count, or a moment in milliseconds."""
    try:
        found = int(_field(run_id, stored, name))
    except ValueError:
        found = -1
    if not 0 <= found < _MOST:
        corrupt(run_id, f"{stored[name][:40]!r} as header field {name.decode()!r}")
    return found


def text(run_id: str, stored: Mapping[bytes, bytes], name: bytes) -> str:
    """A field that is a text."""
    try:
        return _field(run_id, stored, name).decode()
    except UnicodeDecodeError:
        corrupt(run_id, f"{stored[name][:40]!r} as header field {name.decode()!r}")


def _field(run_id: str, stored: Mapping[bytes, bytes], name: bytes) -> bytes:
    if name not in stored:
        corrupt(run_id, f"a header without the field {name.decode()!r}")
    return stored[name]


def _status(run_id: str, stored: Mapping[bytes, bytes]) -> RunStatus:
    try:
        return RunStatus(text(run_id, stored, b"status"))
    except ValueError:
        corrupt(run_id, f"status {stored[b'status'][:40]!r}")


def _fields(stored: Mapping[bytes, bytes]) -> dict[str, bytes]:
    return {
        name[1:].decode(errors="replace"): value
        for name, value in stored.items()
        if name.startswith(FIELD)
    }
