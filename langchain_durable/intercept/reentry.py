"""Graphs with a checkpointer of their own: the same call of the same run goes on where it was.

LangGraph resumes a call instead of starting a new turn if the thread's checkpoint carries the
call's run id in its metadata. So each root call of a graph inside a run gets an id that is the
same in every attempt, and that no other call has: calls inside of it would inherit its own. If
the thread has moved on since (a later call in the same run), the call is addressed to its own
last checkpoint.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs

from langchain_durable import touchpoints
from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.intercept.root_call import RootCall
from langchain_durable.intercept.tracker import PathTracker, active

REENTRY = "run_id"
"""The key in a checkpoint's metadata by which LangGraph knows a call again."""


def with_reentry(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``stream``."""

    @functools.wraps(original)
    def stream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        call = _call_of(graph, input, config)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        thread = _latest_of(graph.checkpointer, call) if call.resumed else None
        return original(graph, input, call.config(thread), **kwargs)  # type: ignore[no-any-return]  # as above

    return stream


def with_async_reentry(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``astream``."""

    @functools.wraps(original)
    def astream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        call = _call_of(graph, input, config)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        if not call.resumed:
            return original(graph, input, call.config(None), **kwargs)  # type: ignore[no-any-return]  # as above
        return resumed(graph, input, call, kwargs)

    async def resumed(graph: Any, input: Any, call: _Call, kwargs: Any) -> AsyncIterator[Any]:
        thread = await _alatest_of(graph.checkpointer, call)
        async for piece in original(graph, input, call.config(thread), **kwargs):
            yield piece

    return astream


class _Call:
    """A root call of a graph that has its own checkpointer, inside a run."""

    def __init__(self, root: RootCall, given: RunnableConfig, thread: Mapping[str, Any]) -> None:
        self.resumed = root.resumed
        self.reentry = root.id
        self.given = given
        self.thread = RunnableConfig(configurable=dict(thread))

    def config(self, checkpoint: Mapping[str, Any] | None) -> RunnableConfig:
        """The config of the call, addressed to a checkpoint if the thread has moved on."""
        metadata = {**(self.given.get("metadata") or {}), REENTRY: self.reentry}
        configurable = self.given.get("configurable") or {}
        if checkpoint is not None:
            configurable = {**self.thread["configurable"], **checkpoint["configurable"]}
        return {**self.given, "metadata": metadata, "configurable": configurable}


def _call_of(graph: Any, input: Any, config: RunnableConfig | None) -> _Call | None:
    tracker = active.get() or _tracker_in(config) or _tracker_in(touchpoints.child_config())
    if tracker is None or not touchpoints.has_own_saver(graph):
        return None
    given = merge_configs(graph.config, config)
    configurable = touchpoints.addressed(given.get("configurable") or {})
    if touchpoints.is_nested(configurable) or configurable.get("checkpoint_id"):
        return None
    if _names_itself(given) or touchpoints.is_command(input) or input is None:
        return None
    root = tracker.root_call(f"{configurable.get('thread_id')}:{fingerprint(input).hex()}")
    if root is None:
        return None
    return _Call(root, config if config is not None else RunnableConfig(), configurable)


def _names_itself(given: RunnableConfig) -> bool:
    """Has the caller given this very call an id? One around it may have left its own."""
    inherited = (touchpoints.child_config().get("metadata") or {}).get(REENTRY)
    return (given.get("metadata") or {}).get(REENTRY, inherited) != inherited


def _tracker_in(config: Mapping[str, Any] | None) -> PathTracker | None:
    callbacks: Any = (config or {}).get("callbacks")
    for handler in getattr(callbacks, "handlers", callbacks) or ():
        # That of DurableInstrumentor only observes, and follows no run.
        if isinstance(handler, PathTracker) and handler.attempt.run_id:
            return handler
    return None


def _latest_of(saver: Any, call: _Call) -> RunnableConfig | None:
    thread = call.thread
    latest = saver.get_tuple(thread)
    if latest is None or latest.metadata.get(REENTRY) == call.reentry:
        return None
    for found in saver.list(thread, filter={REENTRY: call.reentry}, limit=1):
        return _address(found.config)
    return None


async def _alatest_of(saver: Any, call: _Call) -> RunnableConfig | None:
    thread = call.thread
    latest = await saver.aget_tuple(thread)
    if latest is None or latest.metadata.get(REENTRY) == call.reentry:
        return None
    async for found in saver.alist(thread, filter={REENTRY: call.reentry}, limit=1):
        return _address(found.config)
    return None


def _address(config: RunnableConfig) -> RunnableConfig:
    found = config.get("configurable") or {}
    return {"configurable": {key: found[key] for key in ("checkpoint_id",) if key in found}}
