"""A view of the saver for one durable run, made to be injected into a graph."""

from __future__ import annotations

import inspect
import secrets
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)

from langchain_durable.errors import ConfigurationError, DurableWarning
from langchain_durable.saver.addresses import Address, address, moved, run_name
from langchain_durable.saver.redis_saver import RedisSaver
from langchain_durable.saver.serializer import refused
from langchain_durable.saver.twins import twin
from langchain_durable.store.keys import STATES

T = TypeVar("T")
Life = Callable[[], int | None]
"""How long a run's checkpoints live from now on, in seconds; None: for good."""


@dataclass(slots=True)
class Stage:
    """Writes that wait for a flush, in their order; clones of a view share it."""

    calls: list[Callable[[RedisSaver], object]] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    """Namespaces that were written, flushed or not."""
    found: bool = False
    """Was something read, so that an earlier attempt has left it?"""
    lock: RLock = field(default_factory=RLock)


class RunSaver(RedisSaver):
    """What ``for_run`` gives: one run's checkpoints, in memory until ``flush``.

    The config's ``thread_id`` is not looked at and may be missing; configs that are given
    back have it as it came. Reading what waits flushes first, so a read is always of what
    is stored. ``get_state`` reads; a graph's run that is fresh does not.
    """

    _kind = STATES

    def __init__(
        self,
        saver: RedisSaver,
        run_id: str,
        *,
        fresh: bool = False,
        item: int | None = None,
        through: Life | None = None,
    ) -> None:
        self.serde = saver.serde  # all that BaseCheckpointSaver sets, and it was checked there
        self.prefix, self.ttl = saver.prefix, saver.ttl
        self._commands, self._memories = saver._commands, saver._memories
        self.run_id = run_id
        self._thread = run_name(run_id)
        self._fresh = fresh
        self._item = item
        self._through = through
        self._stage = Stage()
        self._token = secrets.token_hex(6)

    @property
    def kept(self) -> bool:
        """True if an earlier attempt has stored something that this one went on with."""
        return self._stage.found

    def flush(self) -> None:
        """Store what waits, in the order in which it came. What fails goes on waiting."""
        stage = self._stage
        with stage.lock:
            while stage.calls:
                stage.calls[0](self)
                del stage.calls[0]

    def get_next_version(self, current: str | None, channel: None) -> str:
        """The next version of a channel; no other attempt of the run has the same."""
        number = 0 if current is None else int(current[:10])
        return f"{number + 1:010d}.{self._token}"

    def discard(self) -> None:
        """Remove the run's checkpoints, stored or waiting; for a run that has its result."""
        stage = self._stage
        with stage.lock:
            stage.calls.clear()
            if stage.written or not self._fresh:
                super().delete_thread(self.run_id)
            stage.written.clear()

    aflush = twin(flush)
    adiscard = twin(discard)

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint for the next flush; no round trip."""
        place = self._address(config)

        def store(saver: RedisSaver) -> object:
            return RedisSaver.put(saver, config, checkpoint, metadata, new_versions)

        self._keep(place, store)
        return place.config(place.root, checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep the writes of one task for the next flush; no round trip."""
        kept = list(writes)

        def store(saver: RedisSaver) -> None:
            RedisSaver.put_writes(saver, config, kept, task_id, task_path)

        self._keep(self._address(config), store)

    aput_writes = twin(put_writes)
    for _method in (put_writes, aput_writes):
        # Each call of a graph asks for it, and it is slow to find out.
        vars(_method)["__signature__"] = inspect.signature(put_writes)

    async def in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call it on a thread, unless it is one that only keeps something for later."""
        if call in (self.put, self.put_writes) and self._through is None:
            return call(*args, **kwargs)
        return await super().in_thread(call, *args, **kwargs)

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that the config names, or the newest."""
        if self._nothing_in(self._address(config).ns or ""):
            return None
        self.flush()
        with refused() as classes:
            found = super().get_tuple(config)
        for module, name in sorted(classes):
            warnings.warn(
                f"A class in the state of the graph's run {self.run_id!r}, {module}.{name}, is "
                "not known to the handle that reads it, so its objects came back as plain data. "
                f"What is stored is whole: name the class by Durable(allow=[{name}]).",
                DurableWarning,
                stacklevel=2,
            )
        self._stage.found = self._stage.found or found is not None
        return found

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The same; without a thread where nothing is read, as in all fresh runs."""
        if self._nothing_in(self._address(config).ns or ""):
            return None
        return await self.in_thread(self.get_tuple, config)

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The run's checkpoints, newest first."""
        if self._nothing_in(None if config is None else self._address(config).ns):
            return iter(())
        self.flush()
        return super().list(config, filter=filter, before=before, limit=limit)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """What delta channels are rebuilt from."""
        if self._nothing_in(self._address(config).root):
            return {channel: {"writes": []} for channel in channels}
        self.flush()
        return super().get_delta_channel_history(config=config, channels=channels)

    def delete_thread(self, thread_id: str) -> None:
        """Remove the run's checkpoints, whatever the thread's id."""
        self.discard()

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """A run has one thread: it can be copied to another run only, see ``copy_to``."""
        raise ConfigurationError(
            "A run's checkpoints are one thread.",
            expected="copy_to(run_id)",
            came="copy_thread()",
            do="copy the run, or use the saver itself for its threads",
        )

    def copy_to(self, run_id: str) -> None:
        """Copy the run's checkpoints to another run."""
        self.flush()
        self._commands.copy(self._keys(self._thread), self._keys(run_name(run_id)), self.ttl or 0)

    acopy_to = twin(copy_to)

    def _keep(self, place: Address, store: Callable[[RedisSaver], object]) -> None:
        self._stage.calls.append(store)
        self._stage.written.add(place.root)
        if self._through is not None:
            self.ttl = self._through()
            self.flush()

    def _nothing_in(self, ns: str | None) -> bool:
        written = self._stage.written
        return self._fresh and (ns not in written if ns is not None else not written)

    def _address(self, config: RunnableConfig) -> Address:
        # By durable_run_id a config that a snapshot gave names its run again.
        place = address(config, thread=self._thread, kept=("thread_id", "durable_run_id"))
        return place if self._item is None else moved(place, f"{self._item}#{place.root}")

    def _thread_of(self, value: Any) -> str:
        return self._thread

    def _place(self, thread: str) -> Address:
        return address({"configurable": {}}, thread=thread)

    def _places(self) -> Iterator[Address]:
        self.flush()
        return iter((self._place(self._thread),))


def for_run(
    saver: RedisSaver,
    run_id: str,
    *,
    fresh: bool = False,
    item: int | None = None,
    through: Life | None = None,
) -> RunSaver:
    """The view of ``saver`` for one durable run, or for one ``item`` of a run that is a batch.

    ``fresh`` says that the run is new: then nothing is read before something was flushed.
    ``through``: each write is stored at once, as for a person who changes a paused state, and lives
    as long as this says then.
    """
    return RunSaver(saver, run_id, fresh=fresh, item=item, through=through)
