"""``batch``: one id is one run of the list; a list of configs is a run each."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from langchain_durable import Durable, RunInputMismatch
from tests.fakes import Failing, Model


def program(model: Model, broken: list[str]) -> Runnable[str, str]:
    def ask(text: str) -> str:
        said = str(model.invoke(text).content)
        if text in broken:
            broken.remove(text)
            raise Failing(text)
        return said

    return RunnableLambda(ask)


def test_a_batch_with_one_id_is_one_run(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]))
    with pytest.raises(Failing):
        wrapped.batch(["a", "b", "c"], durable.config("run"))

    assert wrapped.batch(["a", "b", "c"], durable.config("run")) == ["<a>", "<b>", "<c>"]
    assert model.calls == 3
    assert len(durable.runs()) == 1
    with pytest.raises(RunInputMismatch):
        wrapped.batch(["a", "b"], durable.config("run"))


def test_a_batch_with_a_config_each_is_a_run_each(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]))
    configs = [durable.config(f"run-{i}") for i in range(3)]
    said = wrapped.batch(["a", "b", "c"], configs, return_exceptions=True)
    assert isinstance(said[1], Failing)

    assert wrapped.batch(["a", "b", "c"], configs) == ["<a>", "<b>", "<c>"]
    assert model.calls == 3
    assert sorted(run.run_id for run in durable.runs()) == ["run-0", "run-1", "run-2"]


async def test_abatch_and_batch_are_one_thing(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, []))
    first = await wrapped.abatch(["a", "b"], durable.config("run"))

    assert wrapped.batch(["a", "b"], durable.config("run")) == first
    assert model.calls == 2


def test_batch_as_completed_is_durable(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, []))
    asked: Any = (["a", "b"], durable.config("run"))

    first = sorted(wrapped.batch_as_completed(*asked))

    assert sorted(wrapped.batch_as_completed(*asked)) == first
    assert model.calls == 2


async def test_a_batch_takes_its_arguments_as_langchain_does(durable: Durable) -> None:
    """Inputs by their name, and a config each in any sequence, whether wrapped or not."""
    plain = RunnableLambda(str) | RunnableLambda(str.upper)
    for number, chain in enumerate((plain, durable.wrap(plain))):
        pair: Any = tuple(durable.config(f"{number}-{name}") for name in "abcdefgh")
        given: Any = {"inputs": ["a", "b"]}
        assert chain.batch(**given, config=pair[:2]) == ["A", "B"]
        assert await chain.abatch(**given, config=pair[2:4]) == ["A", "B"]
        done = chain.batch_as_completed(**given, config=pair[4:6])
        assert sorted(done) == [(0, "A"), (1, "B")]
        late = chain.abatch_as_completed(**given, config=pair[6:])
        assert sorted([item async for item in late]) == [(0, "A"), (1, "B")]
        assert len(durable.runs()) == 8 * number


def test_resume_calls_a_batch_again_as_a_batch(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(program(model, ["b"]), name="asker")
    with pytest.raises(Failing):
        wrapped.batch(["a", "b"], durable.config("run"))

    assert durable.resume("run") == ["<a>", "<b>"]
    assert model.calls == 2


def graph_of(answer: Any, checkpointer: Any = None) -> Any:
    """A graph of one node, which answers the last message."""

    def node(state: MessagesState) -> dict[str, Any]:
        return {"messages": [("ai", answer(state["messages"][-1].content))]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    return graph.compile(checkpointer=checkpointer)


def asked(*texts: str) -> list[Any]:
    return [{"messages": [("user", text)]} for text in texts]


def said(state: Any) -> list[str]:
    return [message.content for message in state["messages"]]


@pytest.mark.parametrize("most", [1, 3])
def test_the_items_of_a_graphs_batch_get_an_answer_each(durable: Durable, most: int) -> None:
    model = Model()
    wrapped = durable.wrap(graph_of(lambda text: model.invoke(text).content))
    config: Any = {**durable.config("run"), "max_concurrency": most}

    for _ in range(2):
        states = wrapped.batch(asked("a", "b", "c", "a"), config)
        assert [said(state)[-1] for state in states] == ["<a>", "<b>", "<c>", "<a>"]
    assert model.calls == 4
    done = dict(wrapped.batch_as_completed(asked("d", "e"), durable.config("other")))
    assert {number: said(state)[-1] for number, state in done.items()} == {0: "<d>", 1: "<e>"}


async def test_the_items_of_an_async_batch_get_an_answer_each(durable: Durable) -> None:
    wrapped = durable.wrap(graph_of(program(Model(), ["b"]).invoke))
    config: Any = {**durable.config("run"), "max_concurrency": 1}
    with pytest.raises(Failing):
        await wrapped.abatch(asked("a", "b", "c"), config)

    states = await wrapped.abatch(asked("a", "b", "c"), config)

    assert [said(state)[-1] for state in states] == ["<a>", "<b>", "<c>"]
    done = wrapped.abatch_as_completed(asked("d", "e"), durable.config("other"))
    assert {number: said(state)[-1] async for number, state in done} == {0: "<d>", 1: "<e>"}


def test_items_on_a_thread_of_the_programs_own_checkpointer_are_its_turns(
    durable: Durable,
) -> None:
    answer = program(Model(), ["c"]).invoke
    wrapped = durable.wrap(graph_of(answer, InMemorySaver()))
    config: Any = {**durable.config("run", thread_id="t"), "max_concurrency": 1}
    with pytest.raises(Failing):
        wrapped.batch(asked("a", "b", "c"), config)

    states = wrapped.batch(asked("a", "b", "c"), config)

    assert said(states[-1]) == ["a", "<a>", "b", "<b>", "c", "<c>"]


def test_each_item_of_a_batch_asks_its_own_question(durable: Durable) -> None:
    wrapped = durable.wrap(graph_of(lambda text: interrupt(text) if text != "b" else "done"))

    for _ in range(2):
        states = wrapped.batch(asked("a", "b", "c"), durable.config("run"))
        questions = [[found.value for found in s.get("__interrupt__", ())] for s in states]
        assert questions == [["a"], [], ["c"]]
        assert said(states[1]) == ["b", "done"]
    durable.delete("run")
