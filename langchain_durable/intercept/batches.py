"""Batches that a callback makes durable: their items are calls of one run.

A callback hears of each item as of a call of its own, and the first may have ended before the
second begins. So it is told of the batch around them.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from langchain_durable.intercept.tracker import PathTracker

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
    """Tells the trackers in a batch's config, or configs, of those of its items that are theirs."""
    configs = config if isinstance(config, list) else [config] * len(inputs)
    stack = ExitStack()
    items: dict[int, tuple[PathTracker, list[Any]]] = {}
    for item, given in zip(inputs, configs, strict=False):
        callbacks: Any = (given or {}).get("callbacks")
        if callbacks is None or getattr(callbacks, "parent_run_id", None) is not None:
            continue  # the batch is a part of a call that they know
        for handler in getattr(callbacks, "handlers", callbacks):
            if isinstance(handler, PathTracker):
                items.setdefault(id(handler), (handler, []))[1].append(item)
    for handler, theirs in items.values():
        stack.enter_context(handler.batch(theirs))
    return stack
