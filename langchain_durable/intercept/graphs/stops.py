"""When a graph that the program calls stops for a person, and when it does not any more.

LangGraph tells of it by its own kind of callback handlers. The one here is for the call of one
graph, and for nothing that this graph calls.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Any

from langchain_core.callbacks import BaseCallbackManager, CallbackManager
from langchain_core.runnables import RunnableConfig

from langchain_durable.events import Interrupt
from langchain_durable.intercept.tracker import RunTracker
from langchain_durable.recorder.stops import Stop
from langchain_durable.touchpoints.child_context import child_config
from langchain_durable.touchpoints.langgraph import graph_handler_class


def watched(config: RunnableConfig, tracker: RunTracker, place: Hashable) -> RunnableConfig:
    """The config of a graph's call that is to be waited for if it stops.

    ``place`` is the thread: a later call there, as with the answer, takes this one's place.
    """
    tracker.attempt.stops.pop(place, None)
    manager = _manager(config.get("callbacks") or child_config().get("callbacks"))
    manager.add_handler(_handler_class()(tracker, place), inherit=False)
    return {**config, "callbacks": manager}


def _manager(callbacks: Any) -> BaseCallbackManager:
    if isinstance(callbacks, BaseCallbackManager):
        return callbacks.copy()
    handlers = [*(callbacks or ())]
    return CallbackManager(handlers=handlers, inheritable_handlers=[*handlers])


@functools.cache
def _handler_class() -> Any:
    base: Any = graph_handler_class()

    class Stops(base):  # type: ignore[misc]  # LangGraph's, which the program has imported
        """Notes that a graph has stopped."""

        run_inline = True
        ignore_chain = True

        def __init__(self, tracker: RunTracker, place: Hashable) -> None:
            self._tracker = tracker
            self._place = place

        def on_interrupt(self, event: Any) -> None:
            graph = self._tracker.scope(event.run_id)
            if graph is not None:
                graph.stopped = True
            asked = tuple(Interrupt(each.id, each.value) for each in event.interrupts)
            # The tracker's attempt of this moment: a handler's is made when the call begins.
            self._tracker.attempt.stops[self._place] = Stop(
                checkpoint="" if asked else event.checkpoint_id, interrupts=asked
            )

    return Stops
