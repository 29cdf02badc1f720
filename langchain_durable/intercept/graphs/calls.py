"""Calls of graphs inside of a run: while one runs, its context says where in the run it stands."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.identity.message_ids import GraphCall, in_graph, with_named_input
from langchain_durable.identity.tree import Scope
from langchain_durable.intercept.active import active, tracker_in
from langchain_durable.intercept.tracker import RunTracker
from langchain_durable.touchpoints.child_context import child_config
from langchain_durable.touchpoints.langgraph import is_command
from langchain_durable.within import Within


def with_place(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``stream``."""

    @functools.wraps(original)
    def stream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        call = _call_of(graph, input, config)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        named = with_named_input(call, graph, input)
        inside = Within[GraphCall | None](in_graph, call)
        with inside:
            pieces = original(graph, named, config, **kwargs)
        return advanced(inside, pieces)

    def advanced(inside: Within[GraphCall | None], pieces: Any) -> Iterator[Any]:
        with closing(pieces):
            while True:
                with inside:
                    piece = next(pieces, _OVER)
                if piece is _OVER:
                    return
                yield piece

    return stream


def with_async_place(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``astream``."""

    @functools.wraps(original)
    def astream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        call = _call_of(graph, input, config)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        named = with_named_input(call, graph, input)
        inside = Within[GraphCall | None](in_graph, call)
        with inside:
            pieces = original(graph, named, config, **kwargs)
        return advanced(inside, pieces)

    async def advanced(inside: Within[GraphCall | None], pieces: Any) -> AsyncIterator[Any]:
        async with aclosing(pieces):
            while True:
                with inside:
                    piece = await anext(pieces, _OVER)
                if piece is _OVER:
                    return
                yield piece

    return astream


_OVER: Any = object()


def _call_of(graph: Any, input: Any, config: Any) -> GraphCall | None:
    """A graph's call, by where it is made; None outside of runs."""
    callbacks = (config or {}).get("callbacks") or child_config().get("callbacks")
    tracker = active.get() or tracker_in(callbacks)
    if tracker is None or not tracker.attempt.run_id:
        return None
    scope = tracker.scope(getattr(callbacks, "parent_run_id", None))
    # By their inputs calls are known again that come in another order, as those of a batch do.
    name = f"{_above(scope)}/{graph.get_name()}:{_input_print(tracker, scope, input).hex()}"
    call = tracker.root_call(name)
    return GraphCall(call.id, input) if call is not None else None


def _input_print(tracker: RunTracker, scope: Scope | None, input: Any) -> bytes:
    """The fingerprint of a call's input; if it makes its run go on, of the run's input."""
    attempt = tracker.attempt
    if scope is None and (input is attempt.given or input is None or is_command(input)):
        return attempt.input_print or fingerprint(input)
    return fingerprint(input)


def _above(scope: Scope | None) -> str:
    """Where a call stands, from the nearest thing that has an id in every attempt.

    That is the step that it is made in, or the node of the graph that runs here.
    """
    graph = in_graph.get()
    path = []
    while scope is not None:
        if scope.kind is not None and scope.node is not None:
            path.append(scope.node.id.hex())
            break
        if graph is not None and "@" in scope.label:
            path.append(graph.node(scope).hex())
            break
        path.append(f"{scope.label}#{scope.arrival}")
        scope = scope.parent
    return "/".join(reversed(path))
