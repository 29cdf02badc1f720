"""Checkpoints made by hand, for tests of what a graph would not show."""

from __future__ import annotations

from typing import Any

import redis
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint
from langgraph.checkpoint.base.id import uuid6


def thread(name: str = "t", ns: str = "", checkpoint: str | None = None) -> RunnableConfig:
    """The config of a thread, or of one checkpoint of it."""
    place = {"thread_id": name, "checkpoint_ns": ns}
    return {"configurable": place if checkpoint is None else {**place, "checkpoint_id": checkpoint}}


def checkpoint(values: dict[str, Any] | None = None, versions: Any = None) -> Checkpoint:
    """A checkpoint with a new id; its channels have version 1 unless it is said."""
    return {
        "v": 4,
        "id": str(uuid6(clock_seq=1)),
        "ts": "2026-01-01T00:00:00+00:00",
        "channel_values": values or {},
        "channel_versions": versions or dict.fromkeys(values or {}, 1),
        "versions_seen": {},
        "updated_channels": None,
    }


def put(
    saver: BaseCheckpointSaver[str],
    config: RunnableConfig,
    values: dict[str, Any] | None = None,
    versions: Any = None,
    **metadata: Any,
) -> RunnableConfig:
    """Store a checkpoint after the one that the config names."""
    made = checkpoint(values, versions)
    new = {channel: made["channel_versions"][channel] for channel in made["channel_values"]}
    return saver.put(config, made, metadata, new)  # type: ignore[arg-type]  # any metadata


def values(saver: BaseCheckpointSaver[str], config: RunnableConfig) -> dict[str, Any]:
    """The channels of a checkpoint that must be there."""
    found = saver.get_tuple(config)
    assert found is not None
    return found.checkpoint["channel_values"]


def found_keys(client: redis.Redis, pattern: str = "*") -> list[bytes]:
    """The server's keys that match."""
    return [key for key in client.keys(pattern) if isinstance(key, bytes)]


def messages(count: int, size: int = 200) -> list[BaseMessage]:
    """Different messages, with ids."""
    return [HumanMessage(f"{at} " + "x" * size, id=f"m{at}") for at in range(count)]
