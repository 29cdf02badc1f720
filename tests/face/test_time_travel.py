"""Graphs that go on from an earlier checkpoint, in calls that are made again."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from langchain_durable import Durable
from tests.fakes import Failing, Model

THREAD: RunnableConfig = {"configurable": {"thread_id": "thread"}}


class State(TypedDict, total=False):
    topic: str
    log: Annotated[list[str], operator.add]


class Program:
    """A graph of three model calls, each with what was said before it."""

    def __init__(self) -> None:
        self.model = Model(answer=lambda messages: f"<{messages[-1].text}>")
        self.failures: list[bool] = []
        graph = StateGraph(State)
        before = START
        for name in ("plan", "write", "check"):
            graph.add_node(name, lambda state, name=name: self._node(name, state))
            graph.add_edge(before, name)
            before = name
        self.graph = graph.compile(checkpointer=InMemorySaver())

    def _node(self, name: str, state: State) -> State:
        said = self.model.invoke(f"{name} {state['topic']}").text
        if name == "check" and self.failures:
            raise Failing(self.failures.pop())
        if name == "write" and state["topic"] == "question":
            interrupt("which?")
        return {"log": [said]}

    def before_writing(self, graph: Any) -> RunnableConfig:
        """The place of the thread's first checkpoint that ``write`` comes after."""
        history = graph.get_state_history(THREAD)
        found: RunnableConfig = [each for each in history if each.next == ("write",)][-1].config
        return found


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.mark.parametrize("changed", [True, False], ids=["changed", "as it was"])
@pytest.mark.parametrize("failed", [1, 2], ids=["once", "twice"])
def test_a_run_from_an_earlier_checkpoint_makes_no_finished_call_again(
    durable: Durable, program: Program, changed: bool, failed: int
) -> None:
    graph = durable.wrap(program.graph)
    graph.invoke({"topic": "bees"}, durable.config("first", thread_id="thread"))
    place = program.before_writing(graph)
    if changed:
        place = graph.update_state(place, {"topic": "wasps"})
    config = durable.config("second", base=place)

    program.failures += [True] * failed
    for _ in range(failed):
        with pytest.raises(Failing):
            graph.invoke(None, config)
    said = graph.invoke(None, config)["log"]

    topic = "wasps" if changed else "bees"
    assert said == ["<plan bees>", f"<write {topic}>", f"<check {topic}>"]
    assert program.model.calls == 3 + 2


async def test_it_makes_none_again_on_an_event_loop(durable: Durable, program: Program) -> None:
    graph = durable.wrap(program.graph)
    await graph.ainvoke({"topic": "bees"}, durable.config("first", thread_id="thread"))
    place = graph.update_state(program.before_writing(graph), {"topic": "wasps"})
    config = durable.config("second", base=place)

    program.failures.append(True)
    with pytest.raises(Failing):
        await graph.ainvoke(None, config)
    await graph.ainvoke(None, config)

    assert program.model.calls == 3 + 2


def test_a_block_goes_back_by_the_same_steps(durable: Durable, program: Program) -> None:
    graph, die = program.graph, [True]

    def block() -> Any:
        with durable.run("run", input="bees"):
            graph.invoke({"topic": "bees"}, THREAD)
            place = durable.step(lambda: program.before_writing(graph))
            place = durable.step(lambda: graph.update_state(place, {"topic": "wasps"}))
            said = graph.invoke(None, place)["log"]
            if die:
                raise Failing(die.pop())
            return said

    with pytest.raises(Failing):
        block()

    assert block() == ["<plan bees>", "<write wasps>", "<check wasps>"]
    assert program.model.calls == 3 + 2


@pytest.mark.parametrize("failed", [1, 2], ids=["once", "twice"])
def test_a_turn_that_waits_behind_a_later_one_makes_no_finished_call_again(
    durable: Durable, program: Program, failed: int
) -> None:
    graph, die = program.graph, [True] * failed

    def block() -> Any:
        with durable.run("run", input="x"):
            asked = graph.invoke({"topic": "question"}, THREAD)
            said = graph.invoke({"topic": "bees"}, THREAD)["log"]
            if die:
                raise Failing(die.pop())
            return "__interrupt__" in asked, said[-3:]

    for _ in range(failed):
        with pytest.raises(Failing):
            block()

    assert block() == (True, ["<plan bees>", "<write bees>", "<check bees>"])
    assert program.model.calls == 2 + 3
