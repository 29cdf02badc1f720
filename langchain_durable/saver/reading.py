"""Reading a thread: single checkpoints, lists of them, and walks to ancestors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from langgraph.checkpoint.base import CheckpointTuple

from langchain_durable.saver.addresses import Address
from langchain_durable.saver.blobs import Serde, Unpacker
from langchain_durable.saver.history import Ancestor, needed_by
from langchain_durable.saver.memories import Memories
from langchain_durable.saver.records import Loaded, Record, pieces
from langchain_durable.saver.redis_commands import Commands, Keys

PAGE = 16
"""Checkpoints that a list reads in one round trip."""

_ANCESTORS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the thread that ``place`` is in."""

    commands: Commands
    memories: Memories
    serde: Serde
    keys: Keys
    place: Address

    def newest(self) -> Iterator[CheckpointTuple]:
        """The newest checkpoint of the namespace, if there is one."""
        return self._tuples("newest", full_id(self.place.root))

    def these(self, ids: Sequence[bytes]) -> Iterator[CheckpointTuple]:
        """The checkpoints with these ids, in their order, without those that are not there."""
        return self._tuples("these", *ids) if ids else iter(())

    def all(self, *, wanted: Mapping[str, Any], below: str) -> Iterator[CheckpointTuple]:
        """Newest first: those with this metadata, and with ids below that one."""
        ids = iter(self._ids(below))
        while page := [*islice(ids, PAGE)]:
            yield from self.these(self._matching(page, wanted) if wanted else page)

    def ancestors(self, ns: str, start: str) -> Iterator[Ancestor]:
        """A checkpoint (the newest, if ``start`` is empty), its parent, and so on."""
        while True:
            reply = self.commands.run("ancestors", self.keys, full_id(ns), start, _ANCESTORS)
            unpacker = Unpacker(self.serde, pieces(reply[1]))
            for item in reply[0]:
                loaded = Loaded.from_reply(item)
                yield loaded, unpacker
                start = loaded.record.parent
            if len(reply[0]) < _ANCESTORS or not start:
                return

    def value(self, name: bytes) -> Any:
        """A channel's value by its name."""
        (blob,), flat = self.commands.run("values", self.keys, b"v" + name)
        return Unpacker(self.serde, pieces(flat)).unpack(blob)

    def metadata(self, ids: Sequence[bytes]) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
        """The metadata of checkpoints that are there."""
        for id_, data in zip(ids, self.commands.records(self.keys, ids), strict=True):
            if data is not None:
                yield id_, self.serde.load(Record.unpack(data).metadata)

    def superseded(self) -> Sequence[bytes]:
        """All ids but the newest of each namespace and what its state is rebuilt from."""
        ids = self.commands.ids(self.keys, ns=None)
        newest = {ns_of(id_): id_ for id_ in sorted(ids)}
        kept = set(newest.values())
        for ns, id_ in newest.items():
            walk = self.ancestors(ns, checkpoint_of(id_).decode())
            latest = next(walk, None)
            if latest is not None:
                kept |= {full_id(ns, name) for name in needed_by(latest, walk, self.serde)}
        return [id_ for id_ in ids if id_ not in kept]

    def _tuples(self, *args: str | bytes) -> Iterator[CheckpointTuple]:
        found, flat = self.commands.run("load", self.keys, *args)
        unpacker = Unpacker(self.serde, pieces(flat))
        for item in found:
            read = _tuple(self.place, Loaded.from_reply(item), unpacker)
            self.memories.learn(self.keys, unpacker.learned)
            yield read

    def _ids(self, below: str) -> Sequence[bytes]:
        ns, only, limit = self.place.ns, self.place.checkpoint.encode(), below.encode()
        if ns is None:
            ids: Sequence[bytes] = sorted(
                self.commands.ids(self.keys, ns=None), key=checkpoint_of, reverse=True
            )
        elif only:
            ids = [full_id(ns, self.place.checkpoint)]
        else:
            return self.commands.ids(self.keys, ns=full_id(ns), below=limit or b"\xff")
        return [
            id_
            for id_ in ids
            if (not only or checkpoint_of(id_) == only)
            and (not limit or checkpoint_of(id_) < limit)
        ]

    def _matching(self, ids: Sequence[bytes], wanted: Mapping[str, Any]) -> Sequence[bytes]:
        return [
            id_
            for id_, metadata in self.metadata(ids)
            if all(metadata.get(key) == value for key, value in wanted.items())
        ]


def _tuple(place: Address, loaded: Loaded, unpacker: Unpacker) -> CheckpointTuple:
    checkpoint = loaded.checkpoint(unpacker.serde)
    blobs = loaded.channels(checkpoint["channel_versions"])
    checkpoint["channel_values"] = {
        channel: unpacker.unpack(blob) for channel, blob in blobs.items() if blob is not None
    }
    parent = loaded.record.parent
    return CheckpointTuple(
        config=place.config(loaded.ns, loaded.id),
        checkpoint=checkpoint,  # type: ignore[arg-type]  # the dict that put() was given
        metadata=unpacker.serde.load(loaded.record.metadata),
        parent_config=place.config(loaded.ns, parent) if parent else None,
        pending_writes=loaded.pending_writes(unpacker),
    )


def full_id(ns: str, checkpoint: str = "") -> bytes:
    """How the index names a checkpoint; without one, how all of a namespace begin."""
    return f"{ns}\0{checkpoint}".encode()


def ns_of(id_: bytes) -> str:
    """The namespace in a checkpoint's name in the index."""
    return id_.partition(b"\0")[0].decode()


def checkpoint_of(id_: bytes) -> bytes:
    """The checkpoint's own id in its name in the index."""
    return id_.partition(b"\0")[2]
