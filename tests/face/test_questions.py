"""What a run that is paused asks, as whoever looks at it from outside sees it."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, interrupt

from langchain_durable import Durable, RunStatus
from langchain_durable.events import Interrupt
from tests.fakes import Model


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


class Query(TypedDict):
    question: Any


@dataclass
class Strange:
    """A value that the journal does not take unless it is told to."""

    text: str


def asking(*questions: Any, checkpointer: Any = None) -> Any:
    """Asks all these questions at once, in nodes of their own."""

    def ask(state: Query) -> State:
        return {"log": [interrupt(state["question"])]}

    def spread(state: State) -> list[Send]:
        return [Send("ask", {"question": question}) for question in questions]

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_conditional_edges(START, spread, ["ask"])
    return graph.compile(checkpointer=checkpointer)


def inside(graph: Any) -> Any:
    """The graph as a node of another."""
    outer = StateGraph(State)
    outer.add_node("inner", graph)
    outer.add_edge(START, "inner")
    return outer.compile()


def values(durable: Durable, run_id: str) -> list[Any]:
    return [asked.value for asked in durable.get(run_id).interrupts]


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "own"])
def test_all_questions_are_there_until_they_are_answered(
    durable: Durable, checkpointer: Any
) -> None:
    graph = durable.wrap(asking({"delete": "ada"}, "sure?", checkpointer=checkpointer))
    config = durable.config(f"run-{bool(checkpointer)}", thread_id="t")

    asked = graph.invoke({"log": []}, config)["__interrupt__"]
    found = durable.get(f"run-{bool(checkpointer)}")
    graph.invoke(Command(resume={each.id: "yes" for each in asked}), config)

    # In the order in which they came, which is by chance.
    assert len(found.interrupts) == 2
    assert all(Interrupt(each.id, each.value) in found.interrupts for each in asked)
    assert found.result is None
    assert durable.get(f"run-{bool(checkpointer)}").interrupts == ()


def test_one_of_two_questions_may_be_left(durable: Durable) -> None:
    graph = durable.wrap(asking("a?", "b?"))
    first, second = graph.invoke({"log": []}, durable.config("run"))["__interrupt__"]

    graph.invoke(Command(resume={first.id: "yes"}), durable.config("run"))

    assert durable.get("run").status is RunStatus.PAUSED
    assert values(durable, "run") == [second.value]


@pytest.mark.parametrize("mode", ["updates", "values", "messages"])
def test_a_stream_leaves_the_question_too(durable: Durable, mode: str) -> None:
    graph = durable.wrap(asking("sure?"))
    list(graph.stream({"log": []}, durable.config("run"), stream_mode=mode))
    assert values(durable, "run") == ["sure?"]


async def test_an_async_call_does(durable: Durable) -> None:
    graph = durable.wrap(asking("sure?"))
    await graph.ainvoke({"log": []}, durable.config("run"))
    assert values(durable, "run") == ["sure?"]


def test_a_question_of_a_subgraph_is_the_runs(durable: Durable) -> None:
    durable.wrap(inside(asking("sure?"))).invoke({"log": []}, durable.config("run"))
    assert values(durable, "run") == ["sure?"]


def test_a_graph_in_a_block_asks_for_the_block(durable: Durable) -> None:
    graph = asking("sure?", checkpointer=InMemorySaver())
    with durable.run("run"):
        graph.invoke({"log": []}, {"configurable": {"thread_id": "t"}})
    assert values(durable, "run") == ["sure?"]


def test_a_question_that_holds_a_message_comes_back_with_it(durable: Durable) -> None:
    said = Model().invoke("hi")
    durable.wrap(asking({"draft": said})).invoke({"log": []}, durable.config("run"))
    ((asked),) = values(durable, "run")
    assert isinstance(asked["draft"], AIMessage)
    assert asked["draft"].content == "<hi>"


def test_a_question_that_cannot_be_journaled_can_be_answered(
    durable: Durable, caplog: pytest.LogCaptureFixture
) -> None:
    graph = durable.wrap(asking(Strange("sure?"), checkpointer=InMemorySaver()))
    config = durable.config("run", thread_id="t")
    graph.invoke({"log": []}, config)

    assert values(durable, "run") == []
    assert "what it asks cannot be journaled" in caplog.text
    assert graph.invoke(Command(resume="yes"), config)["log"] == ["yes"]


@pytest.mark.parametrize("own", [False, True], ids=["ours", "its own"])
def test_an_answer_that_changes_the_state_is_answered_for_the_new_one(
    durable: Durable, own: bool
) -> None:
    model = Model(answer=lambda messages: f"<{messages[-1].text}>")

    def ask(state: State) -> State:
        return {"log": [model.invoke(state["log"][-1]).text + interrupt("sure?")]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    asking = durable.wrap(graph.compile(checkpointer=InMemorySaver() if own else None))
    config = durable.config("run", thread_id="thread")
    answer: Any = Command(resume="!", update={"log": ["wasps"]})

    asking.invoke({"log": ["bees"]}, config)
    said = asking.invoke(answer, config)["log"]

    assert said == ["bees", "wasps", "<wasps>!"]
    assert asking.invoke(answer, config)["log"] == said
    assert model.calls == 2


def asking_twice(own: bool) -> Any:
    """Asks for two things in one node."""
    graph = StateGraph(State)
    graph.add_node("ask", lambda state: {"log": [interrupt("pay?"), interrupt("delete?")]})
    graph.add_edge(START, "ask")
    return graph.compile(checkpointer=InMemorySaver() if own else None)


def asked(result: Any) -> Any:
    return [each.value for each in result.get("__interrupt__", ())]


@pytest.mark.parametrize("own", [False, True], ids=["ours", "its own"])
@pytest.mark.parametrize("again", [{"log": []}, None], ids=["its input", "nothing"])
def test_a_run_called_again_does_not_give_an_answer_to_the_next_question(
    durable: Durable, own: bool, again: Any
) -> None:
    graph, config = durable.wrap(asking_twice(own)), durable.config("run", thread_id="thread")
    assert asked(graph.invoke({"log": []}, config)) == ["pay?"]
    assert asked(graph.invoke(Command(resume="yes"), config)) == ["delete?"]

    assert asked(graph.invoke(again, config)) == ["delete?"]

    assert graph.invoke(Command(resume="no"), config)["log"] == ["yes", "no"]


@pytest.mark.parametrize("own", [False, True], ids=["ours", "its own"])
async def test_nor_does_one_on_an_event_loop(durable: Durable, own: bool) -> None:
    graph, config = durable.wrap(asking_twice(own)), durable.config("run", thread_id="thread")
    await graph.ainvoke({"log": []}, config)
    await graph.ainvoke(Command(resume="yes"), config)

    assert asked(await graph.ainvoke({"log": []}, config)) == ["delete?"]

    assert (await graph.ainvoke(Command(resume="no"), config))["log"] == ["yes", "no"]
