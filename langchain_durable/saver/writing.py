"""Writing into a thread: a checkpoint, or the writes of a task. Each is one round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata

from langchain_durable.errors import JournalCorrupt
from langchain_durable.saver.addresses import Address
from langchain_durable.saver.blobs import Packer, Serde
from langchain_durable.saver.memories import Memories
from langchain_durable.saver.reading import full_id
from langchain_durable.saver.records import Record, Write, value_name
from langchain_durable.saver.redis_commands import Commands, Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes into the thread that ``place`` is in; ``ttl`` seconds it lives then, 0 for good."""

    commands: Commands
    memories: Memories
    serde: Serde
    keys: Keys
    place: Address
    ttl: int

    def checkpoint(
        self,
        name: str,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> None:
        """Store a checkpoint and the values that are new in it; what it names else is there."""
        ns = self.place.root
        values = checkpoint.get("channel_values") or {}
        rest = {key: value for key, value in checkpoint.items() if key != "channel_values"}

        def build(packer: Packer) -> list[bytes]:
            for channel, version in new_versions.items():
                if channel in values:
                    field = b"v" + value_name(ns, channel, version)
                    packer.fields[field] = packer.pack(values[channel])
            versions = checkpoint["channel_versions"].items()
            packer.fields[b"c" + full_id(ns, name)] = Record(
                parent=self.place.checkpoint,
                values=[value_name(ns, channel, version) for channel, version in versions],
                checkpoint=packer.serde.dump(rest),
                metadata=packer.serde.dump(metadata),
            ).pack()
            return [_count(packer.presumed), *packer.presumed, *_flat(packer.fields)]

        self._store("put", full_id(ns, name), build)

    def writes(self, writes: Sequence[Write]) -> None:
        """Store the writes of one task at the checkpoint that ``place`` names. One that is there
        stays, unless it is of a kind of which a task has one."""
        ns, name = self.place.root, self.place.checkpoint

        def build(packer: Packer) -> list[bytes]:
            packed: list[bytes] = []
            for write in writes:
                mode = b"replace" if write.idx < 0 else b"keep"
                packed += (mode, b"w" + write.name(ns, name), write.pack(packer))
            counts = (_count(packer.presumed), _count(packer.fields))
            return [*counts, *packer.presumed, *_flat(packer.fields), *packed]

        self._store("put_writes", full_id(ns, name), build)

    def _store(self, script: str, id_: bytes, build: Callable[[Packer], Sequence[bytes]]) -> None:
        """Send what ``build`` packs without the messages that the thread is known to have."""
        for memory in (self.memories.of(self.keys), None):
            packer = Packer(self.serde, memory)
            args = build(packer)
            if self.commands.run(script, self.keys, self.ttl, id_, *args):
                self.memories.learn(self.keys, packer.learned)
                return
            # The thread was removed, pruned or has expired since: send all of it.
            self.memories.forget(self.keys)
        raise JournalCorrupt(
            "The server does not store a checkpoint whose messages were all sent.",
            expected="the scripts of this release",
            came=f"a refusal of {script!r}",
            do="report it",
        )


def _count(things: Any) -> bytes:
    return b"%d" % len(things)


def _flat(fields: Mapping[bytes, bytes]) -> list[bytes]:
    return [part for item in fields.items() for part in item]
