"""Calls that a program cancels, and streams that it leaves, as its way of working."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk, GenerationChunk

from langchain_durable import Durable, Outcome, RunCompleted, StreamCut
from tests.fakes import Model


class Slow(Model):
    """A model that never answers, unless it is quick now."""

    quick: bool = False

    async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        if self.quick:
            return self._generate(messages)
        self._prompts.append(messages)
        return await asyncio.Event().wait()

    async def _astream(self, messages: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        self._prompts.append(messages)
        for word in ("a", "b", "c"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        await asyncio.Event().wait()


class Completing(FakeListLLM):
    """A completion model that streams, and counts."""

    calls: int = 0

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[GenerationChunk]:
        self.calls += 1
        for letter in "<story>":
            yield GenerationChunk(text=letter)


async def attempt(durable: Durable, program: Any, *, dies: bool = False) -> Any:
    """The answer of a run's attempt; None of one that dies."""
    try:
        async with durable.run("run"):
            answer = await program()
            if dies:
                raise KeyboardInterrupt
            return answer
    except KeyboardInterrupt:
        return None


async def replayed(durable: Durable, program: Any) -> list[Any]:
    """The answers of an attempt that dies at its end, of its resume, and of a third one."""
    await attempt(durable, program, dies=True)
    return [await attempt(durable, program) for _ in range(2)]


async def timed_out(slow: Any, fast: Any) -> str:
    try:
        said = str((await asyncio.wait_for(slow.ainvoke("hard"), 0.05)).text)
    except TimeoutError:
        said = "nothing"
    return str((await fast.ainvoke(f"after {said}")).text)


async def test_a_call_that_timed_out_times_out_again(durable: Durable) -> None:
    slow, fast = Slow(), Model()

    answers = await replayed(durable, lambda: timed_out(slow, fast))

    assert answers == ["<after nothing>"] * 2
    assert (slow.calls, fast.calls) == (1, 1)


async def test_a_resume_does_not_mix_a_late_answer_into_the_path_that_was_taken(
    durable: Durable,
) -> None:
    fast = Model()
    await attempt(durable, lambda: timed_out(Slow(), fast), dies=True)

    quick = Slow(quick=True)
    assert await attempt(durable, lambda: timed_out(quick, fast)) == "<after nothing>"
    assert quick.calls == 0


async def test_a_timeout_around_several_calls_comes_in_the_same_one(durable: Durable) -> None:
    class Late(Model):
        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0.1)
            return self._generate(messages)

    late, slow, fast = Late(), Slow(), Model()

    async def program() -> str:
        try:
            async with asyncio.timeout(1.0):
                await late.ainvoke("first")
                await slow.ainvoke("second")
        except TimeoutError:
            pass
        return str((await fast.ainvoke("after")).text)

    assert await replayed(durable, program) == ["<after>"] * 2
    assert (late.calls, slow.calls, fast.calls) == (1, 1, 1)


async def test_a_race_has_the_same_winner(durable: Durable) -> None:
    slow, fast = Slow(), Model()

    async def program() -> str:
        racers = [asyncio.create_task(model.ainvoke("q")) for model in (slow, fast)]
        done, late = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return str((await fast.ainvoke(f"won: {done.pop().result().text}")).text)

    assert await replayed(durable, program) == ["<won: <q>>"] * 2
    assert (slow.calls, fast.calls) == (1, 2)


async def test_a_call_that_is_given_up_no_more_is_made(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_durable.recorder.answers.MARGIN", 0.05)
    fast = Model()
    await attempt(durable, lambda: timed_out(Slow(), fast), dies=True)

    quick = Slow(quick=True)

    async def patient() -> str:
        return str((await quick.ainvoke("hard")).text)

    assert await attempt(durable, patient) == "<hard>"
    assert quick.calls == 1


async def test_a_blocking_call_does_not_wait_to_be_given_up(durable: Durable) -> None:
    fast = Model()
    await attempt(durable, lambda: timed_out(Slow(), fast), dies=True)

    quick = Slow(quick=True)
    with durable.run("run"):
        assert quick.invoke("hard").text == "<hard>"


async def test_a_completed_run_says_that_a_call_was_given_up(
    durable: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_durable.recorder.answers.MARGIN", 0.05)
    await attempt(durable, lambda: timed_out(Slow(), Model()))

    with pytest.raises(RunCompleted, match="was given up by the program then, and is not now"):
        await attempt(durable, lambda: Slow().ainvoke("hard"))


def leaving(model: Any, count: int) -> Any:
    """A program that leaves a stream after some chunks, and goes on."""

    def program() -> str:
        text = ""
        for number, chunk in enumerate(model.stream("story"), 1):
            text += chunk if isinstance(chunk, str) else chunk.text
            if number == count:
                break
        return str(Model().invoke(f"after {text}").text)

    return program


@pytest.mark.parametrize("make", [Model, lambda: Completing(responses=[])])
@pytest.mark.parametrize("count", [1, 3])
def test_a_stream_that_was_left_gives_the_same_chunks_again(
    durable: Durable, make: Any, count: int
) -> None:
    model = make()
    answers = []
    for dies in (True, False, False):
        try:
            with durable.run("run"):
                answers.append(leaving(model, count)())
                if dies:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            model = make()  # it would count its calls from here on

    assert answers == [f"<after {'<story>'[:count]}>"] * 3
    assert model.calls == 0
    assert len({step.id for step in durable.get("run").steps}) == 2
    assert durable.get("run").steps[0].outcome is Outcome.CANCELLED


async def test_an_async_stream_that_was_left_does_so_too(durable: Durable) -> None:
    slow, fast = Slow(), Model()

    async def program() -> str:
        text = ""
        async for chunk in slow.astream("story"):
            text += chunk.text
            if len(text) == 2:
                break
        return str((await fast.ainvoke(f"after {text}")).text)

    assert await replayed(durable, program) == ["<after ab>"] * 2
    assert (slow.calls, fast.calls) == (1, 1)


async def test_a_stream_that_timed_out_gives_its_chunks_and_times_out_again(
    durable: Durable,
) -> None:
    slow, fast = Slow(), Model()

    async def program() -> str:
        text = ""
        try:
            async with asyncio.timeout(0.05):
                async for chunk in slow.astream("story"):
                    text += chunk.text
        except TimeoutError:
            pass
        return str((await fast.ainvoke(f"after {text}")).text)

    assert await replayed(durable, program) == ["<after abc>"] * 2
    assert (slow.calls, fast.calls) == (1, 1)


def test_a_consumer_that_wants_more_of_a_left_stream_gets_no_half_answer(durable: Durable) -> None:
    with pytest.raises(KeyboardInterrupt), durable.run("run"):
        leaving(Model(), 2)()
        raise KeyboardInterrupt

    patient = Model()
    with pytest.raises(StreamCut, match="after 2 chunks"), durable.run("run"):
        leaving(patient, 100)()
    assert patient.calls == 0

    with durable.run("run"):
        assert leaving(patient, 100)() == "<after <story>>"
    assert patient.calls == 1


def test_a_stream_that_was_left_with_its_run_is_made_again(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(model)
    stream: Iterator[Any] = wrapped.stream("story", durable.config("run"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator

    whole = wrapped.stream("story", durable.config("run"))
    assert "".join(chunk.text for chunk in whole) == "<story>"
    assert model.calls == 2
