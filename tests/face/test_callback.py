"""``DurableCallbackHandler``: durability where only a config can be changed."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda, RunnableParallel

from langchain_durable import Durable, DurableCallbackHandler, RunInputMismatch, RunStatus
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
