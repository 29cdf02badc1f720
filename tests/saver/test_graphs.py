"""Programs that use the saver as their checkpointer, as LangGraph's documentation shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from langchain_durable.saver import RedisSaver
from tests.saver.checkpoints import thread
from tests.saver.programs import State


class Scripted(BaseChatModel):
    """Asks for a tool twice, then answers with the count of messages it was given."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        asked = sum(isinstance(said, AIMessage) and bool(said.tool_calls) for said in messages)
        call = {"name": "add", "args": {"a": asked, "b": 1}, "id": f"call{asked}"}
        answer = (
            AIMessage("", tool_calls=[call]) if asked < 2 else AIMessage(f"{len(messages)} seen")
        )
        return ChatResult(generations=[ChatGeneration(message=answer)])


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def said(result: dict[str, Any]) -> list[Any]:
    return [message.content for message in result["messages"]]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_an_agent_remembers_its_thread(saver: RedisSaver, durability: Any) -> None:
    agent = create_agent(Scripted(), [add], checkpointer=saver)

    agent.invoke({"messages": [HumanMessage("hi")]}, thread(), durability=durability)
    result = agent.invoke({"messages": [HumanMessage("again")]}, thread(), durability=durability)

    assert said(result) == ["hi", "", "1", "", "2", "5 seen", "again", "7 seen"]
    assert said(agent.get_state(thread()).values) == said(result)


async def test_an_agent_remembers_its_thread_for_async_callers(saver: RedisSaver) -> None:
    agent = create_agent(Scripted(), [add], checkpointer=saver)

    await agent.ainvoke({"messages": [HumanMessage("hi")]}, thread())
    result = await agent.ainvoke({"messages": [HumanMessage("again")]}, thread())

    assert said(result)[-1] == "7 seen"


def test_an_agent_waits_for_its_human(server: str, saver: RedisSaver) -> None:
    approving: Any = HumanInTheLoopMiddleware(interrupt_on={"add": True})

    def agent(checkpointer: RedisSaver) -> Any:
        return create_agent(Scripted(), [add], checkpointer=checkpointer, middleware=[approving])

    result = agent(saver).invoke({"messages": [HumanMessage("hi")]}, thread())
    while "__interrupt__" in result:
        # Another saver, as another process would have.
        with RedisSaver(server) as other:
            answer = {"decisions": [{"type": "approve"}]}
            result = agent(other).invoke(Command(resume=answer), thread())

    assert said(result) == ["hi", "", "1", "", "2", "5 seen"]


def fan_out(checkpointer: Any) -> Any:
    """Three tasks at once, of which two ask; then a node that joins."""

    def ask(state: dict[str, int]) -> dict[str, list[str]]:
        number = state["number"]
        return {"log": [f"{number}: {interrupt(number) if number else 'free'}"]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("join", lambda state: {"log": [f"{len(state['log'])} answers"]})
    graph.add_conditional_edges(START, lambda _: [Send("ask", {"number": at}) for at in range(3)])
    graph.add_edge("ask", "join")
    graph.add_edge("join", END)
    return graph.compile(checkpointer=checkpointer)


def test_answers_come_one_after_the_other(saver: RedisSaver) -> None:
    graph = fan_out(saver)
    asked = graph.invoke({"log": []}, thread())["__interrupt__"]

    for question in asked:
        result = graph.invoke(Command(resume={question.id: f"{question.value}!"}), thread())

    assert result["log"] == ["0: free", "1: 1!", "2: 2!", "3 answers"]


def looping(checkpointer: Any) -> Any:
    """Counts to four, one superstep each."""
    graph = StateGraph(State)
    graph.add_node("count", lambda state: {"log": [str(len(state["log"]))]})
    graph.add_edge(START, "count")
    graph.add_conditional_edges("count", lambda state: "count" if len(state["log"]) < 4 else END)
    return graph.compile(checkpointer=checkpointer)


def test_time_travel_makes_a_branch(saver: RedisSaver) -> None:
    graph = looping(saver)
    graph.invoke({"log": []}, thread())
    (past,) = (state for state in graph.get_state_history(thread()) if state.values["log"] == ["0"])

    edited = graph.update_state(past.config, {"log": ["edited"]})
    result = graph.invoke(None, edited)

    assert result["log"] == ["0", "edited", "2", "3"]
    assert graph.get_state(past.config).values["log"] == ["0"]


def test_a_replay_from_the_past_reaches_the_same_end(saver: RedisSaver) -> None:
    graph = looping(saver)
    result = graph.invoke({"log": []}, thread())
    (past,) = (state for state in graph.get_state_history(thread()) if state.values["log"] == ["0"])

    assert graph.invoke(None, past.config) == result


def with_subgraph(checkpointer: Any, inner: Any) -> Any:
    """A graph whose node is a graph that asks."""
    graph = StateGraph(State)
    graph.add_node("before", lambda _: {"log": ["before"]})
    graph.add_node("inner", inner)
    graph.add_edge(START, "before")
    graph.add_edge("before", "inner")
    return graph.compile(checkpointer=checkpointer)


@pytest.mark.parametrize("own", [None, True], ids=["per call", "per thread"])
def test_a_subgraph_is_answered_and_its_state_can_be_read(saver: RedisSaver, own: Any) -> None:
    inner = StateGraph(State)
    inner.add_node("ask", lambda _: {"log": [interrupt("well?")]})
    inner.add_edge(START, "ask")
    graph = with_subgraph(saver, inner.compile(checkpointer=own))
    graph.invoke({"log": ["in"]}, thread())

    (task,) = graph.get_state(thread(), subgraphs=True).tasks
    result = graph.invoke(Command(resume="yes"), thread())

    assert task.state.values == {"log": ["in", "before"]}
    assert result["log"][-1] == "yes"


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("make", [fan_out, looping])
def test_histories_are_those_of_the_saver_in_memory(
    saver: RedisSaver, make: Any, durability: Any
) -> None:
    histories = []
    for checkpointer in (saver, InMemorySaver()):
        graph = make(checkpointer)
        graph.invoke({"log": []}, thread(), durability=durability)
        histories.append([_seen(state) for state in graph.get_state_history(thread())])

    assert histories[0] == histories[1]


def test_a_failed_node_is_tried_again_and_the_others_are_not(saver: RedisSaver) -> None:
    calls: list[str] = []

    def wait_for_writes() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            saved = saver.get_tuple(thread())
            if saved is not None and saved.pending_writes:
                return
            time.sleep(0.001)

    def fails_once(_: State) -> dict[str, Sequence[str]]:
        calls.append("fails")
        if len(calls) < 3:
            # LangGraph drops what the other one wrote if this one fails before it is saved.
            wait_for_writes()
            raise ValueError("not yet")
        return {"log": ["b"]}

    def works(_: State) -> dict[str, Sequence[str]]:
        calls.append("works")
        return {"log": ["a"]}

    builder: Any = StateGraph(State)
    builder.add_node("a", works)
    builder.add_node("b", fails_once)
    builder.add_edge(START, "a")
    builder.add_edge(START, "b")
    graph: Any = builder.compile(checkpointer=saver)
    with pytest.raises(ValueError, match="not yet"):
        graph.invoke({"log": []}, thread())

    result = graph.invoke(None, thread())

    assert result["log"] == ["a", "b"]
    assert sorted(calls) == ["fails", "fails", "works"]


def test_the_same_run_id_goes_on_instead_of_starting_again(saver: RedisSaver) -> None:
    graph = looping(saver)
    config: Any = {**thread(), "metadata": {"run_id": "order-42"}}

    first = graph.invoke({"log": []}, config)

    assert graph.invoke({"log": []}, config) == first


def _seen(state: Any) -> Any:
    tasks = [(task.name, task.path, task.error, len(task.interrupts)) for task in state.tasks]
    return state.values, state.next, state.metadata, tasks
