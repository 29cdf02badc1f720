"""``DurableCallbackHandler``: durability where only a config can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langchain_durable import Durable, DurableCallbackHandler, RunInputMismatch, RunStatus
from tests.conftest import MakeDurable
from tests.face.test_graphs import SCRIPT, tools_that
from tests.fakes import Failing, Model


def chain(model: Model, broken: list[bool]) -> Any:
    def last(text: str) -> str:
        if broken:
            raise Failing(broken.pop())
        return text

    text: Any = RunnableLambda(lambda message: message.content)
    return model | text | model | text | RunnableLambda(last)


def by(durable: Durable) -> Any:
    return {"callbacks": [DurableCallbackHandler(durable, run_id="run")]}


def test_a_callback_makes_an_invocation_durable(durable: Durable) -> None:
    model = Model()
    program = chain(model, [True])
    with pytest.raises(Failing):
        program.invoke("a", by(durable))
    assert durable.get("run").status is RunStatus.FAILED

    assert program.invoke("a", by(durable)) == "<<a>>"
    assert model.calls == 2
    assert durable.get("run").status is RunStatus.COMPLETED


async def test_a_callback_works_on_an_event_loop(durable: Durable) -> None:
    model = Model()
    program = chain(model, [True])
    with pytest.raises(Failing):
        await program.ainvoke("a", by(durable))

    assert await program.ainvoke("a", by(durable)) == "<<a>>"
    assert model.calls == 2


def test_a_callback_works_for_streams(durable: Durable) -> None:
    model = Model()
    program = chain(model, [True])
    with pytest.raises(Failing):
        list(program.stream("a", by(durable)))

    assert "".join(program.stream("a", by(durable))) == "<<a>>"
    assert model.calls == 2


def test_a_callback_makes_an_agent_durable(durable: Durable) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    agent = create_agent(model, tools_that(log, fail=[True]))
    asked: Any = {"messages": [HumanMessage("go")]}
    with pytest.raises(Failing):
        agent.invoke(asked, by(durable))

    assert agent.invoke(asked, by(durable))["messages"][-1].content == "done"
    assert (sorted(log), model.calls) == (["x", "y"], 3)


async def test_parallel_first_steps_take_the_run_once(durable: Durable) -> None:
    model = Model()
    both: Any = RunnableParallel(a=model, b=model, c=model)

    await both.ainvoke("a", by(durable))
    both.invoke("a", by(durable))

    assert model.calls == 3
    assert durable.get("run").attempt == 1


def test_a_model_can_be_the_whole_program(durable: Durable) -> None:
    model = Model()
    model.invoke("a", by(durable))
    model.invoke("a", by(durable))

    assert model.calls == 1


def test_another_input_is_refused(durable: Durable) -> None:
    model = Model()
    program = chain(model, [])
    program.invoke("a", by(durable))

    with pytest.raises(RunInputMismatch):
        program.invoke("b", by(durable))


def test_inside_an_active_run_the_callback_does_nothing(durable: Durable) -> None:
    model = Model()
    with durable.run("outer"):
        chain(model, []).invoke("a", by(durable))

    assert [run.run_id for run in durable.runs()] == ["outer"]
    assert durable.get("outer").step == 2


SAME: Any = RunnableLambda(lambda message: message)
ASKED = ["a", "b", "a", "c"]


def one_at_a_time(config: Any) -> Any:
    return {**config, "max_concurrency": 1}


async def acompleted(model: Any, config: Any) -> Any:
    return [found async for found in model.abatch_as_completed(ASKED, config)]


BATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "one at a time": lambda model, config: model.batch(ASKED, one_at_a_time(config)),
    "at once": lambda model, config: model.batch(ASKED, config),
    "configs": lambda model, config: model.batch(ASKED, [config] * 4),
    "bound": lambda model, config: model.bind(stop=["z"]).batch(ASKED, one_at_a_time(config)),
    "chain": lambda model, config: (model | SAME).batch(ASKED, one_at_a_time(config)),
    "retried": lambda model, config: model.with_retry().batch(ASKED, config),
    "fallback": lambda model, config: model.with_fallbacks([model]).batch(ASKED, config),
    "async": lambda model, config: asyncio.run(model.abatch(ASKED, one_at_a_time(config))),
    "completed": lambda model, config: [
        message
        for _, message in sorted(
            model.batch_as_completed(ASKED, one_at_a_time(config)), key=lambda found: found[0]
        )
    ],
    "completed on a loop": lambda model, config: [
        message
        for _, message in sorted(
            asyncio.run(acompleted(model, one_at_a_time(config))), key=lambda found: found[0]
        )
    ],
    "generate": lambda model, config: [
        answers[0].message
        for answers in model.generate(
            [[HumanMessage(text)] for text in ASKED], **config
        ).generations
    ],
}


WITHOUT_FAILURE = {
    "retried",  # there is none
    "fallback",
    "generate",  # LangChain does not say how the other items have ended
    "completed on a loop",  # LangChain leaves coroutines of the other items behind
}


@pytest.mark.parametrize("kind", [*BATCHES])
def test_a_batch_is_one_run(make_durable: MakeDurable, kind: str) -> None:
    model, fail = Model(), [True]

    def answer(messages: Any) -> str:
        text = str(messages[-1].content)
        if text == "c" and fail:
            raise Failing(fail.pop())
        return f"<{text}>"

    model.answer = answer
    if kind in WITHOUT_FAILURE:
        fail.clear()
    else:
        with pytest.raises(Failing):
            BATCHES[kind](model, by(make_durable()))
        assert make_durable().get("run").status is RunStatus.FAILED
    for _ in range(2):
        said = [message.content for message in BATCHES[kind](model, by(make_durable()))]
        assert said == ["<a>", "<b>", "<a>", "<c>"]
        assert model.calls <= 5

    found = make_durable().get("run")
    assert (found.status, found.step) == (RunStatus.COMPLETED, 4)


def test_another_batch_is_refused(durable: Durable) -> None:
    model = Model()
    model.batch(["a", "b"], by(durable))

    with pytest.raises(RunInputMismatch):
        model.batch(["a", "c"], by(durable))
    assert model.calls == 2


def test_a_batch_whose_errors_are_returned_is_completed(durable: Durable) -> None:
    model, handler = Model(), DurableCallbackHandler(durable, run_id="run")

    def half(message: Any) -> Any:
        if message.content == "<a>":
            raise Failing
        return message

    program: Any = model | RunnableLambda(half)
    config: Any = one_at_a_time({"callbacks": [handler]})
    said = program.batch(["a", "b"], config, return_exceptions=True)

    assert [type(each).__name__ for each in said] == ["Failing", "AIMessage"]
    assert durable.get("run").status is RunStatus.COMPLETED


def test_a_batch_in_a_call_is_a_part_of_it(durable: Durable) -> None:
    model = Model()
    inner: Any = RunnableLambda(lambda texts, config: model.batch(texts, one_at_a_time(config)))
    for _ in range(2):
        assert [message.content for message in inner.invoke(["a", "b"], by(durable))] == [
            "<a>",
            "<b>",
        ]
    assert model.calls == 2
    assert durable.get("run").attempt == 1


class Talk(TypedDict):
    said: str


def test_a_person_s_answer_goes_on_with_the_run(durable: Durable) -> None:
    model = Model()

    def ask(state: Talk) -> Talk:
        said = model.invoke("may I?").content
        return {"said": f"{said} {interrupt('may I?')}"}

    graph = StateGraph(Talk)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    agent = graph.compile(checkpointer=InMemorySaver())

    def call(given: Any) -> Any:
        handler = DurableCallbackHandler(durable, run_id="run")
        return agent.invoke(given, {"callbacks": [handler], "configurable": {"thread_id": "t"}})

    call({"said": ""})
    assert durable.get("run").status is RunStatus.PAUSED
    assert call(Command(resume="yes"))["said"] == "<may I?> yes"
    assert durable.get("run").status is RunStatus.COMPLETED
    assert model.calls == 1
