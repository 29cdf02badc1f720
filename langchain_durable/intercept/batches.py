"""Batches: their trackers are told of them, because callbacks only hear of their items.

The items are made at once, in no order that another attempt would repeat; and to a callback that
makes them durable they are calls of one run, although the first may have ended before the second
begins.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from langchain_durable.intercept.active import active
from langchain_durable.intercept.tracker import PathTracker
from langchain_durable.recorder.recorder import Recorder
from langchain_durable.touchpoints.child_context import child_config

Original = Callable[..., Any]


def with_batch(original: Original) -> Original:
    """The wrapper of ``batch``."""

    @functools.wraps(original)
    def batch(runnable: Any, inputs: Any, config: Any = None, **kwargs: Any) -> Any:
        with _told(inputs, config):
            return original(runnable, inputs, config, **kwargs)

    return batch


def with_async_batch(original: Original) -> Original:
    """The wrapper of ``abatch``."""

    @functools.wraps(original)
    async def abatch(runnable: Any, inputs: Any, config: Any = None, **kwargs: Any) -> Any:
        with _told(inputs, config):
            return await original(runnable, inputs, config, **kwargs)

    return abatch


def with_completed(original: Original) -> Original:
    """The wrapper of ``batch_as_completed``."""

    @functools.wraps(original)
    def completed(runnable: Any, inputs: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        with _told(inputs, config):
            yield from original(runnable, inputs, config, **kwargs)

    return completed


def with_async_completed(original: Original) -> Original:
    """The wrapper of ``abatch_as_completed``."""

    @functools.wraps(original)
    async def completed(
        runnable: Any, inputs: Any, config: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        with _told(inputs, config):
            async for item in original(runnable, inputs, config, **kwargs):
                yield item

    return completed


def _told(inputs: Sequence[Any], config: Any) -> ExitStack:
    """Tells the trackers of a batch's items of those that are theirs, if they are several.

    LangChain starts them in threads or tasks, in any order: their trackers must not go by it.
    """
    stack = ExitStack()
    if len(inputs) < 2:
        return stack
    configs = config if isinstance(config, Sequence) else [config] * len(inputs)
    items: dict[tuple[PathTracker[Recorder], UUID | None], list[Any]] = {}
    around = child_config().get("callbacks")
    for item, given in zip(inputs, configs, strict=False):
        callbacks = (given or {}).get("callbacks")
        if callbacks is None:
            callbacks = around
        parent = getattr(callbacks, "parent_run_id", None)
        for tracker in trackers(callbacks):
            items.setdefault((tracker, parent), []).append(item)
    for (tracker, parent), theirs in items.items():
        if len(theirs) > 1:
            stack.enter_context(tracker.batch(theirs, parent))
    return stack


def trackers(callbacks: Any) -> set[PathTracker[Recorder]]:
    """The trackers that follow a call with these callbacks."""
    handlers = getattr(callbacks, "handlers", callbacks) or ()
    found = {handler for handler in handlers if isinstance(handler, PathTracker)}
    here = active.get()
    return found if here is None else {*found, here}
