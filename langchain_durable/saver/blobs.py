"""Values as blobs that refer to messages, which are stored once, by their content.

A long list of messages is stored as digests in chunks of :data:`CHUNK`, which are stored
once as well. So a checkpoint costs the new messages, at most one chunk of digests, and 16
bytes for every 32 messages. ``scripts/blobs.lua`` describes the bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from langchain_durable.errors import JournalCorrupt
from langchain_durable.saver.messages import fingerprint, put_back, take_out

CHUNK = 32
DIGEST = 16

_COUNTS = struct.Struct(">II")
_PLAIN, _MESSAGE, _LIST, _SNAPSHOT, _MIXED = b"V", b"B", b"L", b"S", b"M"


def digest(*parts: bytes) -> bytes:
    """16 bytes that name content."""
    return hashlib.blake2b(b"\0".join(parts), digest_size=DIGEST).digest()


def split(digests: bytes) -> list[bytes]:
    """Digests that stand one after the other."""
    return [digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)]


@dataclass(slots=True)
class Memory:
    """What is believed to be stored of a thread. The server checks it with each write."""

    items: dict[bytes, bytes] = field(default_factory=dict)
    """A message's fingerprint to its digest."""
    chunks: set[bytes] = field(default_factory=set)


class Serde:
    """A serializer for one string of bytes; what cannot be read is ``JournalCorrupt``."""

    def __init__(self, serializer: SerializerProtocol) -> None:
        self._serializer = serializer
        self._encrypted = isinstance(serializer, EncryptedSerializer)

    def dump(self, value: Any) -> bytes:
        kind, data = self._serializer.dumps_typed(value)
        name = kind.encode()
        return bytes([len(name)]) + name + data

    def load(self, data: bytes) -> Any:
        try:
            kind = data[1 : 1 + data[0]].decode()
            if self._encrypted and "+" not in kind:
                # LangGraph's serializer would read it as plain text.
                raise ValueError("it is not encrypted")
            return self._serializer.loads_typed((kind, data[1 + data[0] :]))
        except Exception as exc:
            raise corrupt("a value", exc) from exc


def corrupt(what: str, why: object) -> JournalCorrupt:
    """The error for a record that cannot be read."""
    return JournalCorrupt(
        f"The saver cannot read {what} of a checkpoint.",
        expected="a record that this saver wrote, with the same serializer and key",
        came=f"{type(why).__name__}: {why}" if isinstance(why, Exception) else str(why),
        do="look who else writes to these keys; delete_thread() removes the thread",
    )


class Packer:
    """Makes blobs of values, and collects the fields that must be stored with them."""

    def __init__(self, serde: Serde, memory: Memory | None = None) -> None:
        self.serde = serde
        self.fields: dict[bytes, bytes] = {}
        self.presumed: set[bytes] = set()
        self.learned = Memory()
        self._memory = memory or Memory()

    def pack(self, value: Any) -> bytes:
        snapshot = isinstance(value, _DeltaSnapshot)
        rest, holes = take_out(value.value if snapshot else value)
        if not holes:
            return _PLAIN + self.serde.dump(value)
        lists = [self._digests(hole.messages) for hole in holes]
        chunks, items = b"".join(c for c, _ in lists), b"".join(i for _, i in lists)
        refs = _COUNTS.pack(len(chunks) // DIGEST, len(items) // DIGEST) + chunks + items
        if not holes[0].path:
            kind = _MESSAGE if holes[0].bare else _SNAPSHOT if snapshot else _LIST
            if not (snapshot and holes[0].bare):
                return kind + refs
        layout = [
            [list(hole.path), hole.bare, len(c) // DIGEST, len(i) // DIGEST]
            for hole, (c, i) in zip(holes, lists, strict=True)
        ]
        return _MIXED + refs + self.serde.dump([snapshot, rest, layout])

    def _digests(self, messages: Sequence[BaseMessage]) -> tuple[bytes, bytes]:
        """The digests of full chunks, and those of the messages after them."""
        items = [self._item(message) for message in messages]
        chunks = []
        full = len(items) - len(items) % CHUNK
        for at in range(0, full, CHUNK):
            body = b"".join(items[at : at + CHUNK])
            name = digest(body)
            chunks.append(name)
            # A chunk that is stored has its messages stored: they need no check.
            if name in self._memory.chunks:
                self.presumed.add(b"k" + name)
            else:
                self.fields[b"k" + name] = body
                self.learned.chunks.add(name)
                self._presume(items[at : at + CHUNK])
        self._presume(items[full:])
        return b"".join(chunks), b"".join(items[full:])

    def _item(self, message: BaseMessage) -> bytes:
        mark = fingerprint(message)
        if mark is not None:
            known = self._memory.items.get(mark) or self.learned.items.get(mark)
            if known is not None:
                return known
        data = self.serde.dump(message)
        name = digest(data)
        self.fields[b"i" + name] = data
        if mark is not None:
            self.learned.items[mark] = name
        return name

    def _presume(self, items: Sequence[bytes]) -> None:
        self.presumed.update(field for item in items if (field := b"i" + item) not in self.fields)


class Unpacker:
    """Makes values of blobs. ``pieces`` are the fields that they refer to."""

    def __init__(self, serde: Serde, pieces: Mapping[bytes, bytes | None]) -> None:
        self.serde = serde
        self.learned = Memory()
        self._pieces = pieces

    def unpack(self, blob: bytes) -> Any:
        kind = blob[:1]
        if kind == _PLAIN:
            return self.serde.load(blob[1:])
        if kind not in (_MESSAGE, _LIST, _SNAPSHOT, _MIXED) or len(blob) < 9:
            raise corrupt("a value", f"kind {kind!r}")
        n_chunks, n_items = _COUNTS.unpack_from(blob, 1)
        middle = 9 + n_chunks * DIGEST
        end = middle + n_items * DIGEST
        chunks, items = split(blob[9:middle]), split(blob[middle:end])
        if kind == _MIXED:
            return self._mixed(blob[end:], chunks, items)
        messages = self._messages(chunks, items)
        if kind == _MESSAGE:
            return messages[0]
        return _DeltaSnapshot(messages) if kind == _SNAPSHOT else messages

    def _mixed(self, layout: bytes, chunks: list[bytes], items: list[bytes]) -> Any:
        snapshot, value, holes = self.serde.load(layout)
        for path, bare, n_chunks, n_items in holes:
            messages = self._messages(chunks[:n_chunks], items[:n_items])
            chunks, items = chunks[n_chunks:], items[n_items:]
            value = put_back(value, path, messages[0] if bare else messages)
        return _DeltaSnapshot(value) if snapshot else value

    def _messages(self, chunks: Sequence[bytes], items: Sequence[bytes]) -> list[Any]:
        self.learned.chunks.update(chunks)
        names = [name for chunk in chunks for name in split(self._piece(b"k", chunk))]
        return [self._message(name) for name in (*names, *items)]

    def _message(self, name: bytes) -> Any:
        message = self.serde.load(self._piece(b"i", name))
        if isinstance(message, BaseMessage) and (mark := fingerprint(message)) is not None:
            self.learned.items[mark] = name
        return message

    def _piece(self, kind: bytes, name: bytes) -> bytes:
        body = self._pieces.get(kind + name)
        if body is None:
            raise corrupt("a message", "it is not there")
        if digest(body) != name:
            raise corrupt("a message", "its content is not what its name says")
        return body
