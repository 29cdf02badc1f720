"""``durable.run()`` around any code, and the program's own non-determinism."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import RunnableLambda

from langchain_durable import (
    Durable,
    DurableCallbackHandler,
    DurableWarning,
    RunBusy,
    RunInputMismatch,
    RunNotFound,
    RunStatus,
)
from langchain_durable.errors import ConfigurationError, RunNotActive
from tests.fakes import Failing, Model


def twice(durable: Durable, program: Any) -> None:
    """Run a block, fail it at its end, and run it again."""
    with pytest.raises(Failing), durable.run("run"):
        program()
        raise Failing
    with durable.run("run") as run:
        program()
    assert run.executed == 0


def test_a_block_is_run_again_and_its_calls_are_not(durable: Durable) -> None:
    model = Model()
    said: list[Any] = []
    twice(durable, lambda: said.append([model.invoke(f"q{i}").content for i in range(3)]))

    assert model.calls == 3
    assert said[0] == said[1]


async def test_a_block_works_on_an_event_loop(durable: Durable) -> None:
    model = Model()
    with pytest.raises(Failing):
        async with durable.run("run"):
            await model.ainvoke("a")
            raise Failing
    async with durable.run("run") as run:
        await model.ainvoke("a")
        await model.ainvoke("b")

    assert (model.calls, run.replayed, run.executed) == (2, 1, 1)


def test_calls_in_a_block_match_by_their_input_and_not_by_their_place(durable: Durable) -> None:
    model = Model()
    with pytest.raises(Failing), durable.run("run"):
        model.invoke("a")
        raise Failing
    with durable.run("run"):
        assert model.invoke("b").content == "<b>"
        assert model.invoke("a").content == "<a>"
    assert model.calls == 2


def test_a_block_with_an_input_refuses_another(durable: Durable) -> None:
    with pytest.raises(Failing), durable.run("run", input={"order": 1}):
        raise Failing
    with pytest.raises(RunInputMismatch), durable.run("run", input={"order": 2}):
        pass


def test_time_random_and_uuid_are_the_same_in_every_attempt(durable: Durable) -> None:
    seen: list[Any] = []
    twice(durable, lambda: seen.append((durable.now(), durable.random(), durable.uuid())))

    assert seen[0] == seen[1]


def test_any_function_can_be_a_step(durable: Durable) -> None:
    made: list[int] = []

    def effect(number: int) -> int:
        made.append(number)
        return number * 2

    seen: list[int] = []
    twice(durable, lambda: seen.append(durable.step(effect, 21)))

    assert (made, seen) == ([21], [42, 42])


def _fetch(what: str) -> str:
    return f"value of {what}"


@pytest.mark.parametrize(
    "calling",
    [lambda x: partial(_fetch, x), lambda x: lambda: _fetch(x), lambda x: x.upper],
    ids=["partial", "lambda", "method"],
)
def test_steps_of_one_function_are_told_apart_by_what_it_brings_along(
    durable: Durable, calling: Any
) -> None:
    def program(order: str) -> dict[str, str]:
        with durable.run("run"):
            return {x: durable.step(calling(x)) for x in order} | {"": fail()}

    failures = [Failing()]

    def fail() -> str:
        if failures:
            raise failures.pop()
        return ""

    with pytest.raises(Failing):
        program("ab")

    said = program("ba")
    assert said == {"a": calling("a")(), "b": calling("b")(), "": ""}
    assert durable.get("run").step == 2


async def test_any_coroutine_function_can_be_a_step(durable: Durable) -> None:
    made: list[str] = []

    async def effect(name: str) -> str:
        made.append(name)
        return name.upper()

    for attempt in range(2):
        try:
            async with durable.run("run"):
                assert await durable.astep(effect, "a") == "A"
                if attempt == 0:
                    raise Failing
        except Failing:
            pass
    assert made == ["a"]


async def test_a_plain_function_can_be_a_step_on_an_event_loop(durable: Durable) -> None:
    made: list[int] = []

    def effect(number: int) -> int:
        made.append(number)
        return number * 2

    for _ in range(2):
        async with durable.run("run"):
            assert await durable.astep(effect, 21) == 42
    assert made == [21]


def test_a_coroutine_function_needs_the_step_that_awaits(durable: Durable) -> None:
    async def effect() -> None:
        raise AssertionError

    with durable.run("run"):
        with pytest.raises(ConfigurationError, match=r"effect gives a coroutine.*durable\.astep"):
            durable.step(effect)  # type: ignore[unused-coroutine]  # the mistake that is tested
        with pytest.raises(ConfigurationError, match=r"durable\.astep"):
            durable.step(functools.partial(lambda function: function(), effect))
    assert len(durable.get("run").steps) == 1


def test_a_step_outside_of_runs_is_refused(durable: Durable) -> None:
    with pytest.raises(RunNotActive, match=r"durable\.run"):
        durable.now()


def test_a_second_top_level_call_on_an_active_run_is_busy(durable: Durable) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def program(text: str) -> str:
        inside.set()
        go_on.wait(10)
        return text

    wrapped = durable.wrap(RunnableLambda(program))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(wrapped.invoke, "a", durable.config("run"))
        inside.wait(10)
        with pytest.raises(RunBusy, match="active in this process"):
            wrapped.invoke("a", durable.config("run"))
        go_on.set()
        assert first.result() == "a"


def test_another_living_handle_is_waited_for_and_then_busy(make_durable: Any) -> None:
    one, other = make_durable(), make_durable()
    wrapped = other.wrap(RunnableLambda(str))
    with one.run("run"), ThreadPoolExecutor() as pool:
        second = pool.submit(wrapped.invoke, "a", other.config("run"))
        with pytest.raises(RunBusy, match="renews its lease"):
            second.result()


def test_a_plain_thread_belongs_to_the_run_if_it_is_bound(durable: Durable) -> None:
    model = Model()

    def program(run: Any) -> None:
        thread = threading.Thread(target=run.bind(model.invoke), args=("in a thread",))
        thread.start()
        thread.join()

    for attempt in range(2):
        try:
            with durable.run("run") as run:
                program(run)
                if attempt == 0:
                    raise Failing
        except Failing:
            pass
    assert model.calls == 1


def test_a_bound_coroutine_belongs_to_the_run_on_any_loop(durable: Durable) -> None:
    model = Model()

    async def ask(text: str) -> str:
        return (await model.ainvoke(text)).text

    with durable.run("run") as run, ThreadPoolExecutor() as pool:
        for function in (run.bind(ask), run.bind(lambda text: ask(text))):
            assert pool.submit(asyncio.run, function("a")).result() == "<a>"
        assert inspect.iscoroutinefunction(run.bind(ask))
        assert run.executed == 2


async def test_a_bound_coroutine_can_be_cancelled(durable: Durable) -> None:
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with durable.run("run") as run:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run.bind(wait)(), 0.01)
    assert cancelled.is_set()


def test_a_block_can_be_entered_again_inside_and_outside_of_others(durable: Durable) -> None:
    model, block = Model(), durable.run("block")
    with durable.run("outer"), pytest.warns(DurableWarning, match="there will be no run"), block:
        model.invoke("a")
    with block as run, block:
        model.invoke("b")
        assert (run.run_id, run.executed) == ("block", 1)
    with block as run:
        model.invoke("b")
        assert run.replayed == 1

    assert model.calls == 2
    ended = {header.run_id: header.status for header in durable.runs()}
    assert ended == {"outer": RunStatus.COMPLETED, "block": RunStatus.COMPLETED}


def test_an_unbound_call_while_a_run_is_active_warns_once(durable: Durable) -> None:
    model = Model()
    with durable.run("run"), ThreadPoolExecutor() as pool:
        with pytest.warns(DurableWarning, match=r"run\.bind"):
            pool.submit(model.invoke, "a").result()
        pool.submit(model.invoke, "a").result()
    assert durable.get("run").step == 0


async def test_parallel_tasks_of_a_block_are_matched_by_their_prompts(durable: Durable) -> None:
    class Random(Model):
        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(len(messages[-1].content) % 3 / 1000)
            return self._generate(messages)

    model = Random()
    prompts = ["aaa", "b", "cc", "b", "dddd"]
    for attempt in range(2):
        try:
            async with durable.run("run"):
                order = prompts if attempt == 0 else list(reversed(prompts))
                answers = await asyncio.gather(*(model.ainvoke(p) for p in order))
                assert [a.content for a in answers] == [f"<{p}>" for p in order]
                if attempt == 0:
                    raise Failing
        except Failing:
            pass
    assert model.calls == 5


def test_a_replayed_call_does_not_wait_for_a_rate_limiter(durable: Durable) -> None:
    class Limiter(InMemoryRateLimiter):
        asked = 0

        def acquire(self, *, blocking: bool = True) -> bool:
            type(self).asked += 1
            return True

    model = Model(rate_limiter=Limiter())
    twice(durable, lambda: (model.invoke("a"), list(model.stream("b"))))

    assert (model.calls, Limiter.asked) == (2, 2)


def test_a_bound_function_inside_a_runnable_is_counted_once(durable: Durable) -> None:
    model = Model()

    def program(text: str) -> Any:
        with durable.run() as run, ThreadPoolExecutor() as pool:
            return pool.submit(run.bind(model.invoke), text).result().content

    wrapped = durable.wrap(RunnableLambda(program))

    assert wrapped.invoke("a", durable.config("run")) == "<a>"
    (step,) = durable.get("run").steps
    assert step.path[-1] == "model:Model"
    assert [entry.event for entry in durable.events("run") if "ordinal=1" in repr(entry)] == []


def test_a_block_is_not_resumed_by_its_id(durable: Durable) -> None:
    with durable.run("block", input=1):
        durable.step(str, 1)
    Model().invoke("a", {"callbacks": [DurableCallbackHandler(durable, run_id="callback")]})
    for run_id, came in (("block", r"run\(\) block"), ("callback", "DurableCallbackHandler")):
        with pytest.raises(RunNotFound, match=f"{came}.*Do: run the same code again"):
            durable.resume(run_id, RunnableLambda(str))


def test_all_times_of_a_run_are_in_one_unit(durable: Durable) -> None:
    before = time.time_ns() // 1_000_000 * 1_000_000
    with durable.run("run"):
        durable.step(str, 1)
    checkpoint, header = durable.get("run"), durable.header("run")
    times = [header.created, header.updated, *(entry.event.time for entry in durable.events("run"))]

    assert (checkpoint.created, checkpoint.updated) == (header.created, header.updated)
    assert all(before <= moment <= time.time_ns() for moment in times)
