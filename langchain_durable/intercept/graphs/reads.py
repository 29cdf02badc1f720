"""What a call of a graph does with the checkpoints that are there, in its caller's own colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.touchpoints.langgraph import NO_TASK, RESUME

_NO_ANSWER = [(RESUME, None)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """The reads of a saver and of a graph. ``unanswer`` takes back an answer that is kept."""

    saved: Callable[[Any, RunnableConfig], Any]
    latest: Callable[[Any, RunnableConfig, Mapping[str, Any]], Any]
    state: Callable[[Any, RunnableConfig], Any]
    unanswer: Callable[[Any, RunnableConfig], Any]


def _of_state(config: RunnableConfig) -> RunnableConfig:
    """A graph's state methods insist on a thread_id, which our own saver does not need."""
    return {**config, "configurable": {"thread_id": "", **(config.get("configurable") or {})}}


def _latest(saver: Any, config: RunnableConfig, metadata: Mapping[str, Any]) -> Any:
    return next(iter(saver.list(config, filter=metadata, limit=1)), None)


async def _alatest(saver: Any, config: RunnableConfig, metadata: Mapping[str, Any]) -> Any:
    async for found in saver.alist(config, filter=metadata, limit=1):
        return found
    return None


SYNC = Reads(
    saved=lambda saver, config: saver.get_tuple(config),
    latest=_latest,
    state=lambda graph, config: graph.get_state(_of_state(config)),
    unanswer=lambda saver, config: saver.put_writes(config, _NO_ANSWER, NO_TASK),
)
ASYNC = Reads(
    saved=lambda saver, config: saver.aget_tuple(config),
    latest=_alatest,
    state=lambda graph, config: graph.aget_state(_of_state(config)),
    unanswer=lambda saver, config: saver.aput_writes(config, _NO_ANSWER, NO_TASK),
)
