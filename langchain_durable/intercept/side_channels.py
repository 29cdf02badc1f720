"""What a step does besides returning: writes, custom output, custom events, numbered calls.

deepagents' files, ``push_message`` and ``push_ui`` go through a send function in the config of a
graph's node, ``get_stream_writer`` through its runtime, ``dispatch_custom_event`` through the
callbacks. All are recorded while the step runs and sent again when its result is replayed. The
numbers that it took from its node are taken again.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeGuard

from langchain_core.callbacks import dispatch_custom_event
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from langchain_durable.errors import DurableWarning
from langchain_durable.intercept.changed import changed, is_record
from langchain_durable.intercept.numbering import QUESTION, answer_again, noting, take_again
from langchain_durable.intercept.perform import Form
from langchain_durable.intercept.step import Step
from langchain_durable.touchpoints.child_context import child_config
from langchain_durable.touchpoints.langgraph import RESUME, RUNTIME, SCRATCHPAD, SEND
from langchain_durable.within import Within


class SideEffects(Form):
    """What a step did besides returning, in order: its value is written down with that."""

    __slots__ = ("custom", "events", "numbers", "step", "writes")

    def __init__(self, step: Step) -> None:
        self.step = step
        self.writes: list[Any] = []
        self.custom: list[Any] = []
        self.events: list[tuple[str, Any]] = []
        self.numbers: list[str] = []

    def pack(self, result: Any, step: Step) -> dict[str, Any]:
        packed = {"v": result}
        if self.writes:
            packed["w"] = self.writes
        if self.custom:
            packed["c"] = self._lasting(self.custom)
        if self.events:
            packed["e"] = self._lasting(self.events)
        if self.numbers:
            numbers = Counter(self.numbers)
            del numbers[QUESTION]  # its answer is among the writes
            if numbers:
                packed["n"] = dict(numbers)
        return packed

    def unpack(self, packed: Mapping[str, Any]) -> Any:
        # What was done besides is done again.
        conf = child_config().get("configurable") or {}
        writes = packed.get("w", [])
        take_again(conf, packed.get("n", {}), writes, asked_since=_asked_since(self.step))
        send = conf.get(SEND)
        if writes and send is not None:
            send(writes)
        writer = getattr(conf.get(RUNTIME), "stream_writer", None)
        if writer is not None:
            for value in packed.get("c", []):
                writer(value)
        for name, data in packed.get("e", []):
            dispatch_custom_event(name, data)
        return packed["v"]

    def _lasting(self, told: list[Any]) -> list[Any]:
        """What the journal can carry of what listeners were told: the rest must not cost the step
        its result."""
        lasting = [value for value in told if self.step.attempt.carries(value)]
        if len(lasting) < len(told):
            warnings.warn(
                f"{self.step.scope.name!r} has streamed, or dispatched as a custom event, what the "
                "journal cannot carry. Listeners are not told of it again when the step is "
                "replayed. Give them plain data, or name the classes: Durable(allow=[...]).",
                DurableWarning,
                stacklevel=2,
            )
        return lasting

    def fail_again(self) -> None:
        # A recorded step that failed takes its numbers again, too.
        recorded = self.step.scope.recorded
        if recorded is None or not recorded.numbers:
            return
        conf = child_config().get("configurable") or {}
        writes = answer_again(conf, recorded.numbers, asked_since=_asked_since(self.step))
        if writes and SEND in conf:
            conf[SEND](writes)

    def write(self, writes: Any) -> None:
        """Remember channel writes, with the answers as they are now: LangGraph adds to them."""
        for channel, value in writes:
            if channel == RESUME:
                self.numbers.append(QUESTION)
            self.writes.append((channel, [*value] if channel == RESUME else value))


def recording(seen: SideEffects, kwargs: dict[str, Any]) -> AbstractContextManager[None]:
    """Record what the step does while this is open. An injected config or runtime is replaced
    too."""
    seen.step.scope.events = seen.events
    config = child_config()
    conf: Mapping[str, Any] = config.get("configurable") or {}
    replaced = _replacements(conf, seen)
    if not replaced:
        return _NOTHING
    seen.step.scope.numbers = seen.numbers
    _replace_injected(kwargs, conf, replaced)
    patched: RunnableConfig = _patched(config, replaced)
    return Within(var_child_runnable_config, patched)


_NOTHING = nullcontext()


def _replacements(conf: Mapping[str, Any], seen: SideEffects) -> dict[str, Any]:
    replaced = noting(conf, seen.numbers.append)
    send = conf.get(SEND)
    runtime: Any = conf.get(RUNTIME)
    if send is not None:
        replaced[SEND] = _tee(send, seen.write)
    writer = getattr(runtime, "stream_writer", None)
    if writer is not None:
        replaced[RUNTIME] = changed(runtime, stream_writer=_tee(writer, seen.custom.append))
    return replaced


def _tee(send: Callable[[Any], Any], record: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def both(value: Any) -> Any:
        record(value)
        return send(value)

    return both


def _patched(config: Mapping[str, Any], replaced: Mapping[str, Any]) -> Any:
    return {**config, "configurable": {**(config.get("configurable") or {}), **replaced}}


def _replace_injected(
    kwargs: dict[str, Any], conf: Mapping[str, Any], replaced: Mapping[str, Any]
) -> None:
    """Put what records into arguments that LangChain has filled in: a config, a tool's runtime."""
    writer = getattr(conf.get(RUNTIME), "stream_writer", None)
    for name, value in kwargs.items():
        if isinstance(value, dict):
            if _is_of_node(value, conf):
                kwargs[name] = _patched(value, replaced)
        elif is_record(value):
            fields: dict[str, Any] = {}
            if writer is not None and getattr(value, "stream_writer", None) is writer:
                fields["stream_writer"] = replaced[RUNTIME].stream_writer
            if _is_of_node(config := getattr(value, "config", None), conf):
                fields["config"] = _patched(config, replaced)
            if fields:
                kwargs[name] = changed(value, **fields)


def _is_of_node(value: Any, conf: Mapping[str, Any]) -> TypeGuard[Mapping[str, Any]]:
    """Is this a config of the node that the step runs in?"""
    if not isinstance(value, dict) or SCRATCHPAD not in conf:
        return False
    given = value.get("configurable")
    return isinstance(given, dict) and given.get(SCRATCHPAD) is conf[SCRATCHPAD]


def _asked_since(step: Step) -> bool:
    """Did an attempt end with a question to a person, after the step was recorded?"""
    index, recorded = step.attempt.index, step.scope.recorded
    return index is not None and recorded is not None and index.asked >= recorded.attempt
