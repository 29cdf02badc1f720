"""Checkpoints and writes as bytes, and back. ``scripts/blobs.lua`` describes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ormsgpack

from langchain_durable.errors import JournalTooNew
from langchain_durable.saver.blobs import DIGEST, Packer, Serde, Unpacker, corrupt, digest, split

FORMAT = 1

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")


def value_name(ns: str, channel: str, version: Any) -> bytes:
    """The digest that names a channel's value; versions are unique in a thread."""
    return digest(ns.encode(), channel.encode(), str(version).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A checkpoint without the values of its channels."""

    parent: str
    values: Sequence[bytes]
    checkpoint: bytes = field(repr=False)
    metadata: bytes = field(repr=False)

    def pack(self) -> bytes:
        parent = self.parent.encode()
        return b"".join(
            (
                bytes([FORMAT]),
                _U16.pack(len(self.values)),
                *self.values,
                _U16.pack(len(parent)),
                parent,
                _U32.pack(len(self.checkpoint)),
                self.checkpoint,
                self.metadata,
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> Record:
        if data[0] > FORMAT:
            raise JournalTooNew(
                "A checkpoint was written by a newer release of langchain-durable.",
                expected=f"format {FORMAT}",
                came=f"format {data[0]}",
                do="upgrade langchain-durable here",
            )
        try:
            at = 3 + DIGEST * _U16.unpack_from(data, 1)[0]
            values, start = split(data[3:at]), at + 2
            at = start + _U16.unpack_from(data, at)[0]
            parent = data[start:at].decode()
            end = at + 4 + _U32.unpack_from(data, at)[0]
        except (struct.error, UnicodeDecodeError) as exc:
            raise corrupt("the record", exc) from exc
        return cls(parent=parent, values=values, checkpoint=data[at + 4 : end], metadata=data[end:])


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Write:
    """One write of a task; the order is that in which LangGraph applies writes."""

    task_path: str
    task: str
    idx: int
    channel: str = field(compare=False)
    value: Any = field(compare=False, repr=False)

    def name(self, ns: str, checkpoint: str) -> bytes:
        parts = (ns, checkpoint, self.task, str(self.idx))
        return digest(*(part.encode() for part in parts))

    def pack(self, packer: Packer) -> bytes:
        header = ormsgpack.packb([self.task_path, self.task, self.idx, self.channel])
        return _U16.pack(len(header)) + header + packer.pack(self.value)

    @classmethod
    def unpack(cls, data: bytes, unpacker: Unpacker) -> Write:
        try:
            end = 2 + _U16.unpack_from(data)[0]
            task_path, task, idx, channel = ormsgpack.unpackb(data[2:end])
        except (struct.error, ValueError) as exc:
            raise corrupt("a write", exc) from exc
        value = unpacker.unpack(data[end:])
        return cls(task_path=task_path, task=task, idx=idx, channel=channel, value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A checkpoint as a script gives it. ``values`` stand in the order of the record."""

    ns: str
    id: str
    record: Record
    values: Sequence[Any] = field(repr=False)
    writes: Sequence[bytes | None] = field(repr=False)

    @classmethod
    def from_reply(cls, reply: Sequence[Any]) -> Loaded:
        ns, _, checkpoint = reply[0].decode().partition("\0")
        return cls(
            ns=ns,
            id=checkpoint,
            record=Record.unpack(reply[1]),
            values=reply[2],
            writes=reply[3],
        )

    def checkpoint(self, serde: Serde) -> dict[str, Any]:
        loaded = serde.load(self.record.checkpoint)
        if not isinstance(loaded, dict) or not isinstance(loaded.get("channel_versions"), dict):
            raise corrupt("the record", "it is no checkpoint")
        return loaded

    def channels(self, versions: Mapping[str, Any]) -> dict[str, Any]:
        """What ``values`` says of each channel."""
        at = dict(zip(self.record.values, self.values, strict=True))
        return {
            channel: at.get(value_name(self.ns, channel, version))
            for channel, version in versions.items()
        }

    def pending_writes(self, unpacker: Unpacker) -> list[tuple[str, str, Any]]:
        found = []
        for data in self.writes:
            if data is None:
                raise corrupt("a write", "it is not there")
            found.append(Write.unpack(data, unpacker))
        return [(write.task, write.channel, write.value) for write in sorted(found)]


def pieces(flat: Sequence[Any]) -> dict[bytes, bytes | None]:
    """``field, content, field, content, ...`` as a dict."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
