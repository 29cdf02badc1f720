"""Streams that nobody reads any more, as of a web server whose client has left."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.runnables import RunnableGenerator

from langchain_durable import Durable, RunBusy, RunStatus
from langchain_durable.events import Outcome
from tests.fakes import Model

pytestmark = pytest.mark.usefixtures("no_collection")


def counting(durable: Durable) -> Any:
    def count(_: Any) -> Iterator[int]:
        yield from range(3)

    async def acount(_: Any) -> AsyncIterator[int]:
        for number in range(3):
            yield number

    return durable.wrap(RunnableGenerator(count, acount))


class Server:
    """Drops a stream as web servers do: its frames are held by a traceback that holds itself."""

    def drop(self, stream: Any) -> None:
        try:
            raise ConnectionResetError
        except ConnectionResetError as exc:
            left = exc, stream  # noqa: F841  # what makes the circle: the frame refers to both


def test_a_stream_that_was_dropped_gives_its_run_to_the_next_call(durable: Durable) -> None:
    counted, config = counting(durable), durable.config("run")
    stream = counted.stream("a", config)
    next(stream)
    Server().drop(stream)
    del stream
    assert durable.get("run").status is RunStatus.RUNNING

    assert list(counted.stream("a", config)) == [0, 1, 2]
    assert durable.get("run").status is RunStatus.COMPLETED


async def test_a_stream_of_a_loop_does_so_too(durable: Durable) -> None:
    counted, config = counting(durable), durable.config("run")
    stream = counted.astream("a", config)
    await anext(stream)
    Server().drop(stream)
    del stream
    assert (await durable.aget("run")).status is RunStatus.RUNNING

    assert [number async for number in counted.astream("a", config)] == [0, 1, 2]
    assert (await durable.aget("run")).status is RunStatus.COMPLETED


def test_a_stream_that_is_only_left_lying_is_told_of(durable: Durable) -> None:
    counted, config = counting(durable), durable.config("run")
    stream = counted.stream("a", config)
    next(stream)
    with pytest.raises(RunBusy, match=r"waits to be read on.*Do: close the stream"):
        counted.invoke("a", config)

    assert list(stream) == [1, 2]
    assert durable.get("run").status is RunStatus.COMPLETED


class Reader:
    """Reads a stream until it has enough. It owns its stream, and refers to itself."""

    def __init__(self, stream: Iterator[Any]) -> None:
        self.stream, self.take, self.got = stream, self._take, ""

    def _take(self, chunk: Any) -> None:
        self.got += chunk.content

    def until(self, length: int) -> str:
        for chunk in self.stream:
            self.take(chunk)
            if len(self.got) >= length:
                break
        return self.got


@pytest.mark.parametrize("threshold", [1, 7, 50])
def test_garbage_that_is_a_stream_may_be_collected_at_any_moment(
    durable: Durable, threshold: int
) -> None:
    model = Model(answer=lambda _: "some words")

    def work() -> None:
        with durable.run("run"):
            for number in range(60):
                Reader(model.stream(str(number))).until(3)
                durable.step(len, str(number))

    before = gc.get_threshold()
    gc.set_threshold(threshold, 5, 5)
    gc.enable()
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
        thread.join(60)
    finally:
        gc.set_threshold(*before)
    assert not thread.is_alive(), "it waits for itself"

    found = durable.get("run")
    made = [step for step in found.steps if step.outcome is Outcome.COMPLETED]
    assert found.status is RunStatus.COMPLETED
    assert len(made) == 60
