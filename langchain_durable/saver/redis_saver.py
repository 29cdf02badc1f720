"""The checkpointer for LangGraph on plain Redis or Valkey, without modules."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol

from langchain_durable.errors import ConfigurationError
from langchain_durable.saver.addresses import Address, address, text, thread_id
from langchain_durable.saver.blobs import Serde
from langchain_durable.saver.history import delta_history
from langchain_durable.saver.memories import Memories
from langchain_durable.saver.reading import PAGE, Reader, full_id
from langchain_durable.saver.records import Write
from langchain_durable.saver.redis_commands import Client, Commands, Keys
from langchain_durable.saver.serializer import StrictSerializer
from langchain_durable.saver.twins import twin
from langchain_durable.saver.writing import Writer

T = TypeVar("T")


class RedisSaver(BaseCheckpointSaver[str]):
    """Keeps a LangGraph program's checkpoints in Redis 7.0 or newer, or Valkey.

    ``ttl`` is in seconds and holds for a thread as a whole: each write renews it. ``serde``
    is used for everything; the default rebuilds only types that are safe, see
    ``with_allowlist``. A client that was given is not closed.
    """

    def __init__(
        self,
        url_or_client: str | Client,
        *,
        prefix: str = "lcd",
        ttl: int | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde or StrictSerializer())
        if not prefix or "{" in text("prefix", prefix):
            raise ConfigurationError(
                "The saver's prefix cannot begin its keys.",
                expected='a string without "{", which begins the hash tag of a Cluster',
                came=ascii(prefix),
                do="leave it out, or give a short word",
            )
        if ttl is not None and ttl < 1:
            raise ConfigurationError(
                "The saver's ttl makes no sense.",
                expected="seconds from 1, or None: nothing expires",
                came=repr(ttl),
                do="give the seconds that a thread shall live after its last write",
            )
        self.prefix = prefix
        self.ttl = ttl
        self._commands = Commands(url_or_client)
        self._memories = Memories()

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that the config names, or the newest: one round trip."""
        place = self._address(config)
        reader = self._reader(place)
        if place.checkpoint:
            return next(reader.these([full_id(place.root, place.checkpoint)]), None)
        return next(reader.newest(), None)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint: one round trip."""
        place = self._address(config)
        name = text("checkpoint id", checkpoint["id"])
        told = get_checkpoint_metadata(config, metadata)
        self._writer(place).checkpoint(name, checkpoint, told, new_versions)
        return place.config(place.root, name)

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Store the writes of one task: one round trip. A write that is there stays."""
        place = self._address(config)
        if not place.checkpoint:
            raise ConfigurationError(
                "Writes belong to a checkpoint, and the config names none.",
                expected="checkpoint_id in the config",
                came="nothing",
                do="give the config that put() returned",
            )
        if drafts := [
            Write(
                task_path=task_path,
                task=task_id,
                idx=WRITES_IDX_MAP.get(channel, position),
                channel=channel,
                value=value,
            )
            for position, (channel, value) in enumerate(writes)
        ]:
            self._writer(place).writes(drafts)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, newest first: of one namespace, of a thread, or of all threads."""
        below = address(before, thread="").checkpoint if before else ""
        places = [self._address(config)] if config is not None else self._places()
        found = (
            item
            for place in places
            for item in self._reader(place).all(wanted=filter or {}, below=below)
        )
        return islice(found, None if limit is None else max(limit, 0))

    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread."""
        keys = self._keys(self._thread_of(thread_id))
        self._memories.forget(keys)
        self._commands.remove(keys)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Remove the checkpoints whose metadata has one of these ``run_id``.

        Walks over all threads. A delta channel of a thread that goes on may need what is
        removed; ``prune`` looks after that, this does not.
        """
        wanted = set(run_ids)
        for place in self._places() if wanted else ():
            reader = self._reader(place)
            metadata = reader.metadata(self._commands.ids(reader.keys, ns=None))
            self._drop(reader, [id_ for id_, data in metadata if data.get("run_id") in wanted])

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread with its whole history."""
        source = self._keys(self._thread_of(source_thread_id))
        target = self._keys(self._thread_of(target_thread_id))
        self._commands.copy(source, target, self.ttl or 0)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Remove all but the newest checkpoint of each namespace, or all (``"delete"``).

        Ancestors that the newest one's delta channels are rebuilt from stay.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ConfigurationError(
                "prune() does not know this strategy.",
                expected='"keep_latest" or "delete"',
                came=repr(strategy),
                do="give one of the two",
            )
        for name in thread_ids:
            if strategy == "delete":
                self.delete_thread(name)
            else:
                reader = self._reader(self._place(self._thread_of(name)))
                self._drop(reader, reader.superseded())

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What delta channels are rebuilt from: a round trip for every 64 ancestors."""
        place = self._address(config)
        reader = self._reader(place)
        ancestors = islice(reader.ancestors(place.root, place.checkpoint), 1, None)
        return delta_history(channels, ancestors, self._serde, reader.value)

    def get_next_version(self, current: str | None, channel: None) -> str:
        """The next version of a channel; no other branch of the thread has the same."""
        number = 0 if current is None else int(str(current).partition(".")[0])
        # Not from `random`: a program that seeds it would give two branches one version.
        return f"{number + 1:010d}.{secrets.token_hex(6)}"

    async def in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call something that blocks on one of the saver's threads."""
        return await self._commands.in_thread(call, *args, **kwargs)

    aget_tuple = twin(get_tuple)
    aput = twin(put)
    aput_writes = twin(put_writes)
    adelete_thread = twin(delete_thread)
    adelete_for_runs = twin(delete_for_runs)
    acopy_thread = twin(copy_thread)
    aprune = twin(prune)
    aget_delta_channel_history = twin(get_delta_channel_history)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """What ``list`` gives, in pages."""
        found = await self.in_thread(self.list, config, filter=filter, before=before, limit=limit)
        while page := await self.in_thread(lambda: [*islice(found, PAGE)]):
            for item in page:
                yield item

    def close(self) -> None:
        """Close the connections; savers made of this one by ``with_allowlist`` share them."""
        self._commands.close()

    async def aclose(self) -> None:
        """Close the connections; it does not wait, so it needs no thread."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    _kind = "thread"

    @property
    def _serde(self) -> Serde:
        return Serde(self.serde)

    def _address(self, config: RunnableConfig) -> Address:
        return address(config)

    def _keys(self, thread: str) -> Keys:
        return Keys.of(self.prefix, self._kind, thread)

    def _thread_of(self, value: Any) -> str:
        return thread_id(value)

    def _place(self, thread: str) -> Address:
        return address({"configurable": {"thread_id": thread}}, thread=thread)

    def _places(self) -> Iterator[Address]:
        """Every thread there is."""
        return map(self._place, self._commands.names(self.prefix, self._kind))

    def _reader(self, place: Address) -> Reader:
        return Reader(
            commands=self._commands,
            memories=self._memories,
            serde=self._serde,
            keys=self._keys(place.thread),
            place=place,
        )

    def _writer(self, place: Address) -> Writer:
        return Writer(
            commands=self._commands,
            memories=self._memories,
            serde=self._serde,
            keys=self._keys(place.thread),
            place=place,
            ttl=self.ttl or 0,
        )

    def _drop(self, reader: Reader, ids: Sequence[bytes]) -> None:
        if ids:
            self._commands.run("drop", reader.keys, *ids)
