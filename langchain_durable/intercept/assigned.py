"""``RunnablePassthrough.assign`` in a stream: it makes its map at once, and waits for it later.

The map runs in a task or a thread of its own, while the input is passed through. It looks as if the
program had made it beside others, and yet it is the only call under its chain.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from langchain_durable.intercept.batches import trackers

Original = Callable[..., Any]


def with_one_call(original: Original) -> Original:
    """The wrapper of ``_transform`` and ``_atransform``, which return a generator each."""

    @functools.wraps(original)
    def transform(runnable: Any, values: Any, run_manager: Any, *args: Any, **kwargs: Any) -> Any:
        for tracker in trackers(run_manager):
            scope = tracker.scope(run_manager.run_id)
            if scope is not None:
                scope.maker = None
        return original(runnable, values, run_manager, *args, **kwargs)

    return transform
