"""Entry points of wrapped runnables beside ``invoke``, ``stream`` and ``batch``."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_classic.agents import AgentExecutor, create_react_agent
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.prompt_values import StringPromptValue
from langchain_core.prompts import PromptTemplate
from langchain_core.tools import BaseTool, tool

from langchain_durable import Durable, DurableCallbackHandler, DurableWarning
from tests.fakes import Failing, Model


@pytest.fixture
def made() -> list[int]:
    return []


@pytest.fixture
def double(made: list[int]) -> BaseTool:
    @tool
    def double(x: int) -> int:
        """Twice as much."""
        made.append(x)
        return 2 * x

    return double


async def test_run_and_arun_of_a_wrapped_tool_are_durable(
    durable: Durable, double: BaseTool, made: list[int]
) -> None:
    wrapped = durable.wrap(double)
    config = durable.config("run")

    assert wrapped.run({"x": 2}, config=config) == 4
    assert await wrapped.arun({"x": 2}, config=config) == 4
    assert wrapped.invoke({"x": 2}, config) == durable.resume("run", double) == 4
    answer = wrapped.run({"x": 3}, False, config=durable.config("call"), tool_call_id="1")
    assert isinstance(answer, ToolMessage)
    assert wrapped.run({"x": 4}) == 8
    assert made == [2, 3, 4]
    assert len(durable.runs()) == 3


def test_run_of_a_wrapped_tool_joins_the_run_around_it(
    durable: Durable, double: BaseTool, made: list[int]
) -> None:
    wrapped = durable.wrap(double)
    for attempt in range(2):
        try:
            with durable.run("run"):
                wrapped.run({"x": 2})
                wrapped.run({"x": 3}, False, "green", "green", None)
                if attempt == 0:
                    raise Failing
        except Failing:
            pass
    wrapped.run({"x": 4}, callbacks=[DurableCallbackHandler(durable, run_id="handler")])
    wrapped.run({"x": 4}, None, "", "", [DurableCallbackHandler(durable, run_id="handler")])
    assert made == [2, 3, 4]
    assert {run.run_id for run in durable.runs()} == {"run", "handler"}


async def test_generate_of_a_wrapped_model_says_that_it_is_not_durable(durable: Durable) -> None:
    wrapped = durable.wrap(Model())
    asked: list[list[BaseMessage]] = [[HumanMessage("a")]]
    with pytest.warns(DurableWarning, match=r"generate has no config.*durable\.run") as seen:
        wrapped.generate(asked)
    assert [warning.filename for warning in seen] == [__file__]
    with pytest.warns(DurableWarning, match="agenerate has no config"):
        await wrapped.agenerate(asked)
    with pytest.warns(DurableWarning, match="generate has no config"):
        wrapped.generate_prompt([StringPromptValue(text="a")])

    assert durable.runs() == []


async def test_generate_of_a_wrapped_model_is_recorded_in_a_run(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(model)
    asked: list[list[BaseMessage]] = [[HumanMessage("a")], [HumanMessage("b")]]
    for attempt in range(2):
        try:
            with durable.run("run"):
                assert wrapped.generate(asked).generations[1][0].text == "<b>"
                assert (await wrapped.agenerate(asked)).generations[0][0].text == "<a>"
                if attempt == 0:
                    raise Failing
        except Failing:
            pass
    wrapped.generate(asked, None, [DurableCallbackHandler(durable, run_id="handler")])
    assert model.calls == 6
    assert wrapped.invoke("c", durable.config("call")).text == "<c>"


def test_iter_of_a_wrapped_executor_says_that_it_is_not_durable(durable: Durable) -> None:
    model = Model(answer=lambda messages: "Thought: x\nFinal Answer: 42")
    prompt = PromptTemplate.from_template("{tools} {tool_names} {input} {agent_scratchpad}")
    executor: Any = AgentExecutor(agent=create_react_agent(model, [], prompt), tools=[])
    wrapped = durable.wrap(executor)
    with pytest.warns(DurableWarning, match=r"AgentExecutor\.iter has no config"):
        wrapped.iter({"input": "q"})
    with durable.run("run") as run:
        assert [*wrapped.iter({"input": "q"})][-1]["output"] == "42"
    assert run.executed == 1


async def test_the_input_may_be_given_by_its_name(durable: Durable) -> None:
    wrapped: Any = durable.wrap(Model())
    assert wrapped.invoke(input="a").text == "<a>"
    assert (await wrapped.ainvoke(input="b", config=durable.config("b"))).text == "<b>"
    assert "".join(chunk.text for chunk in wrapped.stream(input="c")) == "<c>"
    assert "".join([chunk.text async for chunk in wrapped.astream(input="d")]) == "<d>"
    prompts = [[HumanMessage("e")]]
    with durable.run("e"):
        assert wrapped.generate(messages=prompts).generations[0][0].text == "<e>"
        answer = await wrapped.agenerate(messages=prompts, callbacks=None)
    assert answer.generations[0][0].text == "<e>"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'input'"):
        wrapped.invoke(config=durable.config("f"))
