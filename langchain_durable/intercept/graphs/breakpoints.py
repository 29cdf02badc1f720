"""Graphs that stand at a static breakpoint (``interrupt_before``, ``interrupt_after``).

LangGraph takes the same call, made again, for a person's leave to go on. So a call that comes
with its original input gets the state that the graph has there, and nothing runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.intercept.graphs.reads import Reads
from langchain_durable.touchpoints.langgraph import (
    INTERRUPT,
    is_hidden,
    output_mapper,
    static_breakpoints,
)
from langchain_durable.waiting import Call, Procedure


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakpoints:
    """The breakpoints of one call of a graph.

    ``stopped`` are the checkpoints where the run is known to have stopped last, ``released``
    those that a person is known to have let it go on from.
    """

    graph: Any
    saver: Any
    options: Mapping[str, Any]
    stopped: Set[str] = frozenset()
    released: Set[str] = frozenset()

    def __bool__(self) -> bool:
        """May the call stand at one?"""
        return bool(self.stopped) or static_breakpoints(self.graph, self.options)

    def standing(
        self, config: RunnableConfig, owns: Callable[[Any], bool], reads: Reads
    ) -> Procedure[Any]:
        """The state, if the checkpoint that the config means is one of the call's at a breakpoint.

        The release itself leaves no trace in a thread before the next step has ended, so the
        journal's word counts as well.
        """
        saved = yield Call(lambda: reads.saved(self.saver, config))
        if saved is None or not owns(saved) or not _unseen(saved.checkpoint):
            return None
        name = saved.checkpoint["id"]
        if name in self.released:
            return None
        state = yield Call(lambda: reads.state(self.graph, config))
        if not state.next or any(_has_begun(task) for task in state.tasks):
            return None
        if name in self.stopped or self._named("interrupt_before", state.next):
            return state
        if saved.parent_config is None or not self._nodes("interrupt_after"):
            return None
        parent = _at(config, saved.parent_config)
        before = yield Call(lambda: reads.state(self.graph, parent))
        just_ran = [task.name for task in before.tasks] if _is_next(before, state) else []
        return state if self._named("interrupt_after", just_ran) else None

    def _nodes(self, option: str) -> Any:
        return self.options.get(option) or getattr(self.graph, f"{option}_nodes", None) or ()

    def _named(self, option: str, names: Any) -> bool:
        nodes = self._nodes(option)
        if nodes == "*":
            return any(not is_hidden(self.graph, name) for name in names)
        return any(name in nodes for name in names)

    def told(self, state: Any, *, waits: bool = True) -> Iterator[Any]:
        """What the call streams: the state, and whether it waits, each in the modes asked for."""
        mode = self.options.get("stream_mode") or self.graph.stream_mode
        several = isinstance(mode, list)
        pieces = {"values": self._values(state)}
        if waits:
            pieces["updates"] = {INTERRUPT: ()}
        for name in mode if several else [mode]:
            if name not in pieces:
                continue
            if self._typed:
                more = {"interrupts": ()} if name == "values" else {}
                yield {"type": name, "ns": (), "data": pieces[name], **more}
                continue
            whole = [()] if self.options.get("subgraphs") else []
            whole += [name, pieces[name]] if several else [pieces[name]]
            yield tuple(whole) if len(whole) > 1 else whole[0]

    @property
    def _typed(self) -> bool:
        return self.options.get("version") == "v2"

    def _values(self, state: Any) -> Any:
        keys = self.options.get("output_keys") or self.graph.stream_channels_asis
        if not isinstance(state.values, dict) or keys == self.graph.stream_channels_asis:
            found = state.values
        elif isinstance(keys, str):
            return state.values.get(keys)
        else:
            found = {key: state.values[key] for key in keys if key in state.values}
        mapper = output_mapper(self.graph) if self._typed else None
        return mapper(found) if mapper else found


def _unseen(checkpoint: Mapping[str, Any]) -> bool:
    """Has something changed since the graph was last let go on?"""
    seen = checkpoint["versions_seen"].get(INTERRUPT, {})
    versions = checkpoint["channel_versions"].items()
    return any(channel not in seen or version > seen[channel] for channel, version in versions)


def _has_begun(task: Any) -> bool:
    return bool(task.interrupts or task.error or task.result)


def _is_next(before: Any, state: Any) -> bool:
    steps = [(found.metadata or {}).get("step", -9) for found in (before, state)]
    return bool(steps[0] + 1 == steps[1])


def _at(config: RunnableConfig, other: RunnableConfig) -> RunnableConfig:
    """The config, at another checkpoint."""
    configurable = config.get("configurable") or {}
    place = {"checkpoint_id": (other.get("configurable") or {}).get("checkpoint_id")}
    return {**config, "configurable": {**configurable, **place}}
