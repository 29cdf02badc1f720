"""Calls that a program makes beside each other by itself: none gets the answer of another."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any

import pytest
from langchain_core.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnablePassthrough,
)
from langgraph.graph import START, MessagesState, StateGraph

from langchain_durable import Durable, DurableWarning
from tests.conftest import MakeDurable
from tests.fakes import Failing, Model

WORDS = ["france", "spain", "italy"]

At = Callable[[str], Coroutine[Any, Any, str]]
AtOnce = Callable[[At], Awaitable[list[str]]]


async def gathered(ask: At) -> list[str]:
    return await asyncio.gather(*map(ask, WORDS))


async def grouped(ask: At) -> list[str]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(word)) for word in WORDS]
    return [task.result() for task in tasks]


async def waited(ask: At) -> list[str]:
    """The first in the caller's own task, the others beside it."""
    tasks = [asyncio.create_task(ask(word)) for word in WORDS[1:]]
    try:
        first = await ask(WORDS[0])
    finally:
        others = await asyncio.gather(*tasks, return_exceptions=True)
    return [first, *map(str, others)]


def in_a_function(durable: Durable, program: Any) -> list[str]:
    said: list[str] = asyncio.run(
        durable.wrap(RunnableLambda(program)).ainvoke("all", durable.config("run"))
    )
    return said


def in_a_node(durable: Durable, program: Any) -> list[str]:
    async def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", word) for word in await program("all")]}

    builder = StateGraph(MessagesState)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    graph = durable.wrap(builder.compile())
    state = asyncio.run(graph.ainvoke({"messages": []}, durable.config("run")))
    return [message.text for message in state["messages"]]


def in_a_block(durable: Durable, program: Any) -> list[str]:
    async def block() -> list[str]:
        async with durable.run("run", input="all"):
            said: list[str] = await program("all")
            return said

    return asyncio.run(block())


PLACES = {"function": in_a_function, "node": in_a_node, "block": in_a_block}


class Turns:
    """Lets words through one by one in an order; after the last, the others fail."""

    def __init__(self) -> None:
        self.order: list[str] = []

    @asynccontextmanager
    async def turn(self, word: str) -> AsyncIterator[None]:
        while self.order[:1] != [word]:
            if not self.order:
                raise Failing(word)
            await asyncio.sleep(0.001)
        yield
        self.order.pop(0)


@pytest.mark.parametrize("place", [*PLACES])
@pytest.mark.parametrize("at_once", [gathered, grouped, waited])
@pytest.mark.parametrize("kind", ["model", "chain", "step"])
def test_what_comes_first_after_a_crash_is_not_given_anothers_answer(
    make_durable: MakeDurable, at_once: AtOnce, place: str, kind: str
) -> None:
    model = Model()
    turns = Turns()
    chain: Runnable[str, str] = RunnableLambda(lambda text: text) | model | text_of

    async def ask(word: str) -> str:
        async with turns.turn(word):
            if kind == "model":
                return str((await model.ainvoke(word)).text)
            return await (chain.ainvoke(word) if kind == "chain" else durable.astep(said, word))

    async def said(word: str) -> str:
        return str((await model.ainvoke(word)).text)

    async def program(_: str) -> list[str]:
        return await at_once(ask)

    durable, turns.order = make_durable(), ["spain"]
    with pytest.raises((Failing, ExceptionGroup)):
        PLACES[place](durable, program)
    assert model.calls == 1

    durable, turns.order = make_durable(), ["italy", "france", "spain"]
    assert PLACES[place](durable, program) == ["<france>", "<spain>", "<italy>"]
    assert model.calls == 3


text_of: Runnable[Any, str] = RunnableLambda(lambda message: message.text)


def test_a_pool_of_threads_is_told_apart_by_inputs_too(make_durable: MakeDurable) -> None:
    model = Model()
    words = ["spain"]

    def program(_: str) -> list[str]:
        with ThreadPoolExecutor(1) as pool:
            calls = [pool.submit(copy_context().run, model.invoke, word) for word in words]
            said = [str(call.result().text) for call in calls]
        if words == ["spain"]:
            raise Failing
        return said

    def asked() -> list[str]:
        durable = make_durable()
        return durable.wrap(RunnableLambda(program)).invoke("all", durable.config("run"))

    with pytest.raises(Failing):
        asked()
    words[:] = ["france", "spain"]
    assert asked() == ["<france>", "<spain>"]
    assert model.calls == 2


def test_what_a_stream_makes_is_known_by_its_place_whoever_asks_for_it(
    make_durable: MakeDurable,
) -> None:
    """A web server asks for each piece in a thread that is free."""
    model, time = Model(), ["noon"]

    def said(given: Iterator[str]) -> Iterator[str]:
        [_] = given
        for word in WORDS:
            yield str(model.invoke(f"{word} at {time[0]}").text)
        if time[0] == "noon":
            raise Failing

    def read() -> list[str]:
        durable = make_durable()
        pieces = durable.wrap(RunnableGenerator(said)).stream("all", durable.config("run"))
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            return [pool.submit(next, pieces, "").result() for pool in (one, other, one, other)]

    with pytest.raises(Failing):
        read()
    for time[0] in ("one", "two"):  # resumed, and completed
        with pytest.warns(DurableWarning, match="another input"):
            assert read() == ["<france at noon>", "<spain at noon>", "<italy at noon>", ""]
    assert model.calls == 3


async def plainly(call: Coroutine[Any, Any, str]) -> str:
    return await call


async def in_a_task(call: Coroutine[Any, Any, str]) -> str:
    return await asyncio.ensure_future(call)


async def in_time(call: Coroutine[Any, Any, str]) -> str:
    async with asyncio.timeout(5):
        return await call


async def waited_for(call: Coroutine[Any, Any, str]) -> str:
    return await asyncio.wait_for(call, 5)


async def in_another_loop(call: Coroutine[Any, Any, str]) -> str:
    """As a function without async does that an executor runs."""
    return await asyncio.to_thread(asyncio.run, call)


async def as_the_only_one(call: Coroutine[Any, Any, str]) -> str:
    """As LangChain makes a batch of one."""
    [said] = await asyncio.gather(call)
    return said


IN_TURN = [plainly, in_a_task, in_time, waited_for, in_another_loop, as_the_only_one]
if sys.version_info >= (3, 12):

    async def eagerly(call: Coroutine[Any, Any, str]) -> str:
        """Each task begins before its maker awaits it."""
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await call

    IN_TURN.append(eagerly)


@pytest.mark.parametrize("place", [*PLACES])
@pytest.mark.parametrize("wait", IN_TURN)
@pytest.mark.parametrize("kind", ["model", "chain"])
def test_what_is_waited_for_is_known_by_its_place(
    make_durable: MakeDurable,
    wait: Callable[[Coroutine[Any, Any, str]], Awaitable[str]],
    place: str,
    kind: str,
) -> None:
    model, time = Model(), ["noon"]
    chain = RunnableLambda(lambda text: text) | model

    async def said(word: str) -> str:
        asked = model if kind == "model" else chain
        return str((await asked.ainvoke(f"{word} at {time[0]}")).text)

    async def program(_: str) -> list[str]:
        answers = [await wait(said(word)) for word in WORDS]
        if time[0] == "noon":
            raise Failing
        return answers

    with pytest.raises(Failing):
        PLACES[place](make_durable(), program)
    time[0] = "one"
    with pytest.warns(DurableWarning, match="another input"):
        answers = PLACES[place](make_durable(), program)
    assert answers == ["<france at noon>", "<spain at noon>", "<italy at noon>"]
    assert model.calls == 3


def streamed(chain: Runnable[Any, Any], given: Any, config: Any) -> str:
    return "".join(piece.get("answer", "") for piece in chain.stream(given, config))


def streamed_on_a_loop(chain: Runnable[Any, Any], given: Any, config: Any) -> str:
    async def read() -> str:
        return "".join([piece.get("answer", "") async for piece in chain.astream(given, config)])

    return asyncio.run(read())


@pytest.mark.parametrize("read", [streamed, streamed_on_a_loop])
def test_what_a_streamed_chain_assigns_is_known_by_its_place(
    make_durable: MakeDurable, read: Callable[[Runnable[Any, Any], Any, Any], str]
) -> None:
    """LangChain makes it beside what is passed through, in a task or a thread of its own."""
    model, time = Model(), ["noon"]

    def asked(given: dict[str, str]) -> str:
        return f"{given['word']} at {time[0]}"

    def last(given: Any) -> Any:
        if time[0] == "noon":
            raise Failing
        return given

    assigned = RunnableLambda(asked) | model | text_of
    chain = RunnablePassthrough.assign(answer=assigned) | RunnableLambda(last)

    def told() -> str:
        durable = make_durable()
        return read(durable.wrap(chain), {"word": "france"}, durable.config("run"))

    with pytest.raises(Failing):
        told()
    for time[0] in ("one", "two"):  # resumed, and completed
        with pytest.warns(DurableWarning, match="another input"):
            assert told() == "<france at noon>"
    assert model.calls == 1


async def events_of(chain: Runnable[Any, Any]) -> str:
    events = [event async for event in chain.astream_events("france", version="v2")]
    return str(events[-1]["data"]["output"])


async def log_of(chain: Runnable[Any, Any]) -> str:
    [*_, last] = [patch async for patch in chain.astream_log("france", diff=False)]
    return str(last.state["final_output"])


@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
@pytest.mark.parametrize("place", [*PLACES])
@pytest.mark.parametrize("read", [events_of, log_of])
def test_what_gives_its_caller_events_is_known_by_its_place(
    make_durable: MakeDurable, read: Callable[[Runnable[Any, Any]], Awaitable[str]], place: str
) -> None:
    """LangChain makes it in a task of its own, which nobody awaits."""
    model, time = Model(), ["noon"]
    at: Runnable[str, str] = RunnableLambda(lambda word: f"{word} at {time[0]}")
    chain = RunnableLambda(at.invoke) | model | text_of

    async def program(_: str) -> list[str]:
        said = await read(chain)
        if time[0] == "noon":
            raise Failing
        return [said]

    with pytest.raises(Failing):
        PLACES[place](make_durable(), program)
    time[0] = "one"
    with pytest.warns(DurableWarning, match="another input"):
        assert PLACES[place](make_durable(), program) == ["<france at noon>"]
    assert model.calls == 1
