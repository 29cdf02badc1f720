"""What a tool does besides returning: channel writes and custom stream output of LangGraph.

deepagents' files, ``push_message`` and ``push_ui`` go through a send function in the config,
``get_stream_writer`` through the runtime. Both are recorded while the tool runs and sent again
when its result is replayed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from langchain_durable.touchpoints import RUNTIME, SEND, child_config


@dataclasses.dataclass(slots=True)
class SideEffects:
    """What went through the side channels, in order."""

    writes: list[Any] = dataclasses.field(default_factory=list)
    custom: list[Any] = dataclasses.field(default_factory=list)


@contextmanager
def recording(kwargs: dict[str, Any]) -> Iterator[SideEffects]:
    """Record what the tool sends while this is open. An injected runtime is replaced too."""
    seen = SideEffects()
    config = child_config()
    conf: Mapping[str, Any] = config.get("configurable") or {}
    replaced = _replacements(conf, kwargs, seen)
    if not replaced:
        yield seen
        return
    patched = {**config, "configurable": {**conf, **replaced}}
    token = var_child_runnable_config.set(cast("RunnableConfig", patched))
    try:
        yield seen
    finally:
        with suppress(ValueError):  # a call abandoned by its event loop ends in another context
            var_child_runnable_config.reset(token)


def _replacements(
    conf: Mapping[str, Any], kwargs: dict[str, Any], seen: SideEffects
) -> dict[str, Any]:
    replaced: dict[str, Any] = {}
    send = conf.get(SEND)
    runtime: Any = conf.get(RUNTIME)
    if send is not None:
        replaced[SEND] = _tee(send, seen.writes.extend)
    writer = getattr(runtime, "stream_writer", None)
    if writer is not None:
        tee = _tee(writer, seen.custom.append)
        replaced[RUNTIME] = dataclasses.replace(runtime, stream_writer=tee)
        for name, value in kwargs.items():
            if getattr(value, "stream_writer", None) is writer and dataclasses.is_dataclass(value):
                kwargs[name] = dataclasses.replace(value, stream_writer=tee)  # type: ignore[type-var]  # an instance, not a class
    return replaced


def _tee(send: Callable[[Any], Any], record: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def both(value: Any) -> Any:
        record(value)
        return send(value)

    return both


def send_again(writes: list[Any], custom: list[Any]) -> None:
    """Give LangGraph what the recorded call had sent."""
    conf = child_config().get("configurable") or {}
    send = conf.get(SEND)
    if writes and send is not None:
        send(writes)
    writer = getattr(conf.get(RUNTIME), "stream_writer", None)
    if writer is not None:
        for value in custom:
            writer(value)
