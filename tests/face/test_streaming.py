"""Streamed calls that fail before their first piece, and what becomes of their runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, TypedDict

import pytest
from langchain_core.runnables import Runnable
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from langchain_durable import Durable, RunStatus
from tests.fakes import Failing


class Eager(Runnable[int, int]):
    """Looks at its input when it is called, not when its stream is read."""

    def __init__(self) -> None:
        self.down = True

    def _check(self) -> None:
        if self.down:
            raise Failing

    def invoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
        return input

    def stream(self, input: int, config: Any = None, **kwargs: Any) -> Iterator[int]:
        self._check()
        return super().stream(input, config, **kwargs)

    def astream(self, input: int, config: Any = None, **kwargs: Any) -> AsyncIterator[int]:
        self._check()
        return super().astream(input, config, **kwargs)


class State(TypedDict):
    x: int


class Flaky(InMemorySaver):
    down = False

    def get_tuple(self, config: Any) -> Any:
        if self.down:
            raise ConnectionError("the database is down")
        return super().get_tuple(config)


async def read(runnable: Any, given: Any, config: Any, *, loop: bool) -> list[Any]:
    if loop:
        return [piece async for piece in runnable.astream(given, config)]
    return [*runnable.stream(given, config)]


@pytest.mark.parametrize("loop", [False, True], ids=["sync", "async"])
async def test_a_stream_that_fails_as_it_is_made_fails_its_run(
    durable: Durable, loop: bool
) -> None:
    eager = Eager()
    wrapped, config = durable.wrap(eager), durable.config("run")
    with pytest.raises(Failing):
        await read(wrapped, 1, config, loop=loop)

    assert (await durable.aget("run")).status is RunStatus.FAILED
    wrapped.down = False
    assert await read(wrapped, 1, config, loop=loop) == [1]


def test_a_checkpointer_that_is_down_when_a_stream_is_resumed_fails_the_run(
    durable: Durable,
) -> None:
    broken, saver = [Failing()], Flaky()

    def node(state: State) -> State:
        if broken:
            raise broken.pop()
        return {"x": 1}

    builder = StateGraph(State)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    graph = durable.wrap(builder.compile(checkpointer=saver, interrupt_after=["node"]))
    given, config = State(x=0), durable.config("run", thread_id="thread")
    with pytest.raises(Failing):
        list(graph.stream(given, config))

    saver.down = True
    with pytest.raises(ConnectionError):
        list(graph.stream(given, config))
    assert durable.get("run").status is RunStatus.FAILED

    saver.down = False
    first, *_ = graph.stream(given, config)
    assert first == {"node": {"x": 1}}
