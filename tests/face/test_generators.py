"""``durable.run()`` in a generator, which others advance and close where they like."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.runnables import RunnableGenerator
from opentelemetry.sdk.trace import TracerProvider

from langchain_durable import Durable, DurableWarning, RunStatus
from tests.conftest import MakeDurable
from tests.fakes import Model


def words(durable: Durable, model: Model, run_id: str) -> Iterator[str]:
    with durable.run(run_id):
        yield from (chunk.text for chunk in model.stream("one"))
        yield str(model.invoke("two").text)


async def awords(durable: Durable, model: Model, run_id: str) -> AsyncIterator[str]:
    async with durable.run(run_id):
        for prompt in ("one", "two"):
            yield str((await model.ainvoke(prompt)).text)


async def in_threads(generator: Iterator[Any]) -> AsyncIterator[Any]:
    """Each element from a thread with a context of its own, as Starlette and anyio do it."""
    over = object()
    while (element := await asyncio.to_thread(next, generator, over)) is not over:
        yield element


@pytest.mark.filterwarnings("ignore:A model, tool or retriever was called outside")
async def test_a_generator_that_is_advanced_in_threads_ends_its_run(
    make_durable: MakeDurable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    durable, model = make_durable(tracer_provider=TracerProvider(shutdown_on_exit=False)), Model()
    for _ in range(2):
        said = [word async for word in in_threads(words(durable, model, "run"))]
        assert "".join(said) == "<one><two>"
        assert (await asyncio.to_thread(durable.get, "run")).status is RunStatus.COMPLETED
    assert caplog.records == []


@pytest.mark.parametrize("close", [True, False])
async def test_an_async_generator_that_is_left_ends_its_run(durable: Durable, close: bool) -> None:
    model = Model()
    generator = awords(durable, model, "run")
    async for word in generator:
        assert word == "<one>"
        break
    if close:  # by a task of its own; else by the one that asyncio makes for what is collected
        await asyncio.create_task(generator.aclose())  # type: ignore[attr-defined]  # a generator
    del generator
    gc.collect()
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)
    found = await asyncio.to_thread(durable.get, "run")
    assert (found.status, found.reason) == (RunStatus.PAUSED, "stream abandoned")
    async with durable.run("other") as run:
        await model.ainvoke("three")
    assert (run.run_id, run.executed) == ("other", 1)
    assert [word async for word in awords(durable, model, "run")] == ["<one>", "<two>"]
    assert model.calls == 3


async def test_a_block_may_end_in_another_task(durable: Durable) -> None:
    run = durable.run("run")
    await asyncio.create_task(run.__aenter__())
    await run.__aexit__(None, None, None)

    assert (await asyncio.to_thread(durable.get, "run")).status is RunStatus.COMPLETED


def test_a_block_inside_a_run_of_another_id_joins_it_and_says_so_once(durable: Durable) -> None:
    model = Model()
    with durable.run("outer") as outer:
        inner = durable.run("inner")
        with pytest.warns(DurableWarning, match="'inner' was asked for inside of run 'outer'"):
            inner.__enter__()
        model.invoke("a")
        inner.__exit__(None, None, None)
        with durable.run("another"), durable.run("outer"), durable.run():
            model.invoke("b")

    assert (inner.run_id, outer.executed) == ("outer", 2)
    assert [run.run_id for run in durable.runs()] == ["outer"]


def test_a_wrapped_call_inside_a_run_of_another_id_says_so_too(durable: Durable) -> None:
    wrapped = durable.wrap(Model())
    with durable.run("outer"):
        wrapped.invoke("a", durable.config("outer"))
        with pytest.warns(DurableWarning, match="'inner' was asked for inside of run 'outer'"):
            wrapped.invoke("b", durable.config("inner"))


def test_two_generators_that_are_read_in_turns_say_that_they_are_one_run(durable: Durable) -> None:
    model = Model()
    pairs = zip(words(durable, model, "b"), words(durable, model, "c"), strict=True)
    with pytest.warns(DurableWarning, match="'c' was asked for inside of run 'b'.*generator"):
        next(pairs)
    del pairs
    gc.collect()
    with durable.run("later") as run:
        model.invoke("x")
    assert run.run_id == "later"


@pytest.mark.filterwarnings("ignore:A model, tool or retriever was called outside")
async def test_a_wrapped_generator_is_right_wherever_it_is_advanced(durable: Durable) -> None:
    model = Model()

    def program(prompts: Iterator[str]) -> Iterator[str]:
        for prompt in prompts:
            yield from (chunk.text for chunk in model.stream(prompt))
            yield str(model.invoke(prompt * 2).text)

    wrapped = durable.wrap(RunnableGenerator(program))
    one, other = (in_threads(wrapped.stream(name, durable.config(name))) for name in "bc")
    said = [""]
    async for word in one:
        said += word, await anext(other)
        await model.ainvoke("the reader's own")

    assert (await anext(other, None), "".join(said)) == (None, "<<bc>><bb><cc>")
    for run_id in "bc":
        assert (await asyncio.to_thread(durable.get, run_id)).step == 2
