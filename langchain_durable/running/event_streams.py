"""Streams of events: ``astream_events``, and ``stream_events``, which has version ``v3`` only.

The run is around all of such a stream. A class may forward it to what it wraps, past the class's
own ``astream``; and LangChain closes the ``astream`` of what does not stream before its end.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from langchain_core.runnables import Runnable

from langchain_durable.errors import DurableWarning
from langchain_durable.running.nesting import surrounding
from langchain_durable.touchpoints.langgraph import is_graph

Original = Callable[..., Any]


def event_streams(cls: Any, durable: Callable[[Original], Original]) -> dict[str, Original]:
    """The overriding methods of a class that stream events, as ``durable`` makes each of one."""
    made = {"astream_events": _by_version(cls.astream_events, durable(cls.astream_events))}
    if cls.astream_log is not Runnable.astream_log:
        made["astream_log"] = durable(cls.astream_log)
    if hasattr(cls, "stream_events"):
        made["stream_events"] = _by_version(cls.stream_events, cls.stream_events)
    return made


def _by_version(original: Original, durable: Original) -> Original:
    @functools.wraps(original)
    def method(runnable: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        if kwargs.get("version") != "v3":
            return durable(runnable, input, config, **kwargs)
        # That of a graph reads its `stream` or `astream`, and they are durable.
        if not is_graph(runnable) and surrounding(config) is None:
            _warn(original)
        return original(runnable, input, config, **kwargs)

    return method


def _warn(original: Original) -> None:
    warnings.warn(
        f"{original.__qualname__}(version='v3') gives a stream that several readers may share, so "
        "this call is not durable. Read it inside of `with durable.run(run_id):`, or use "
        "astream_events(version='v2'), stream or astream with durable.config(run_id).",
        DurableWarning,
        stacklevel=3,
    )
