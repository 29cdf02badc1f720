"""Walks from a checkpoint to its ancestors, as delta channels need them.

A delta channel's value stands in few checkpoints; between them its writes must be applied
again. So the ancestors down to the nearest value belong to a checkpoint's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langgraph.checkpoint.base import DeltaChannelHistory

from langchain_durable.saver.blobs import Serde, Unpacker
from langchain_durable.saver.records import Loaded, value_name

Ancestor = tuple[Loaded, Unpacker]
"""An ancestor, whose ``values`` say 1 or 0: is it stored?"""


def delta_history(
    channels: Sequence[str],
    ancestors: Iterable[Ancestor],
    serde: Serde,
    load: Callable[[bytes], Any],
) -> Mapping[str, DeltaChannelHistory]:
    """The writes of each channel since the nearest value, oldest first, and that value.

    ``load`` gives a value by its name. Ancestors are read only as far as they are needed.
    """
    history: dict[str, DeltaChannelHistory] = {channel: {"writes": []} for channel in channels}
    remaining = set(channels)
    for loaded, unpacker in ancestors if remaining else ():
        versions = loaded.checkpoint(serde)["channel_versions"]
        # Nearest first, so that one reversal at the end gives the oldest first.
        for write in reversed(loaded.pending_writes(unpacker)):
            if write[1] in remaining:
                history[write[1]]["writes"].append(write)
        for channel, stored in loaded.channels(versions).items():
            if stored and channel in remaining:
                history[channel]["seed"] = load(value_name(loaded.ns, channel, versions[channel]))
                remaining.discard(channel)
        if not remaining:
            break
    for entry in history.values():
        entry["writes"].reverse()
    return history


def needed_by(latest: Ancestor, ancestors: Iterable[Ancestor], serde: Serde) -> set[str]:
    """The ids of the ancestors without which the state of ``latest`` would be incomplete.

    LangGraph counts in the metadata how old each delta channel's value is; a channel that
    is counted and has no value in the checkpoint itself is rebuilt from ancestors.
    """
    loaded, _ = latest
    counted = serde.load(loaded.record.metadata).get("counters_since_delta_snapshot") or {}
    versions = loaded.checkpoint(serde)["channel_versions"]
    stored = loaded.channels(versions)
    missing = {channel for channel in counted if channel in versions and not stored[channel]}
    needed: set[str] = set()
    for ancestor, _ in ancestors if missing else ():
        needed.add(ancestor.id)
        versions = ancestor.checkpoint(serde)["channel_versions"]
        missing -= {name for name, there in ancestor.channels(versions).items() if there}
        if not missing:
            break
    return needed
