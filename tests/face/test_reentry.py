"""Calls of graphs that keep threads of their own, made inside a run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langchain_durable import Durable, DurableCallbackHandler
from tests.fakes import Failing, Model

THREAD: RunnableConfig = {"configurable": {"thread_id": "helper"}}


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[str], operator.add]


def helper_of(model: Model) -> Any:
    """An agent that remembers."""
    return create_agent(model, [], checkpointer=InMemorySaver())


def counting() -> Model:
    """Says how many messages it was given."""
    return Model(answer=lambda messages: f"{len(messages)}")


def told(text: str) -> Any:
    return {"messages": [("user", text)]}


def answer(state: Any) -> str:
    return str(state["messages"][-1].content)


def graph_of(*nodes: Any, saver: Any = None) -> Any:
    """The nodes in a row."""
    graph = StateGraph(State)
    before = START
    for number, node in enumerate(nodes):
        graph.add_node(str(number), node)
        graph.add_edge(before, str(number))
        before = str(number)
    return graph.compile(checkpointer=saver)


def by_wrap(durable: Durable, graph: Any) -> Any:
    return durable.wrap(graph).invoke({"text": "x"}, durable.config("run", thread_id="outer"))


def by_block(durable: Durable, graph: Any) -> Any:
    with durable.run("run"):
        return graph.invoke({"text": "x"}, {"configurable": {"thread_id": "outer"}})


def by_handler(durable: Durable, graph: Any) -> Any:
    handler = DurableCallbackHandler(durable, run_id="run")
    config: Any = {"callbacks": [handler], "configurable": {"thread_id": "outer"}}
    return graph.invoke({"text": "x"}, config)


OUTER = pytest.mark.parametrize("own", [False, True], ids=["no saver", "own saver"])
WAYS = pytest.mark.parametrize("way", [by_wrap, by_block, by_handler])
Way = Callable[[Durable, Any], Any]


@OUTER
@WAYS
def test_a_helper_remembers_what_it_was_told_before(durable: Durable, way: Way, own: bool) -> None:
    helper, die = helper_of(model := counting()), [True]

    def node(state: State) -> State:
        said = [answer(helper.invoke(told(text), THREAD)) for text in ("one", "two")]
        if die:
            raise Failing(die.pop())
        return {"log": said}

    graph = graph_of(node, saver=InMemorySaver() if own else None)
    with pytest.raises(Failing):
        way(durable, graph)

    assert way(durable, graph)["log"] == ["1", "3"]
    assert model.calls == 2


async def test_a_helper_remembers_on_an_event_loop(durable: Durable) -> None:
    helper, die = helper_of(model := counting()), [True]

    async def node(state: State) -> State:
        said = [answer(await helper.ainvoke(told(text), THREAD)) for text in ("one", "two")]
        if die:
            raise Failing(die.pop())
        return {"log": said}

    graph, config = durable.wrap(graph_of(node)), durable.config("run")
    with pytest.raises(Failing):
        await graph.ainvoke({"text": "x"}, config)

    assert (await graph.ainvoke({"text": "x"}, config))["log"] == ["1", "3"]
    assert model.calls == 2


def test_a_helper_remembers_that_is_given_the_nodes_config(durable: Durable) -> None:
    helper = helper_of(counting())

    def node(state: State, config: RunnableConfig) -> State:
        own: RunnableConfig = {**config, **THREAD}
        return {"log": [answer(helper.invoke(told(text), own)) for text in ("one", "two")]}

    assert by_wrap(durable, graph_of(node))["log"] == ["1", "3"]


def test_a_helper_remembers_whose_thread_is_bound_to_it(durable: Durable) -> None:
    helper, die = helper_of(model := counting()).with_config(THREAD), [True]

    def node(state: State) -> State:
        said = [answer(helper.invoke(told(text))) for text in ("one", "two")]
        if die:
            raise Failing(die.pop())
        return {"log": said}

    graph = graph_of(node)
    with pytest.raises(Failing):
        by_wrap(durable, graph)

    assert by_wrap(durable, graph)["log"] == ["1", "3"]
    assert model.calls == 2


@OUTER
@WAYS
def test_a_helper_that_two_nodes_ask_the_same_answers_each(
    durable: Durable, way: Way, own: bool
) -> None:
    helper, die = helper_of(model := counting()), [True]

    def first(state: State) -> State:
        return {"log": [answer(helper.invoke(told("go"), THREAD))]}

    def second(state: State) -> State:
        said = first(state)
        if die:
            raise Failing(die.pop())
        return said

    graph = graph_of(first, second, saver=InMemorySaver() if own else None)
    with pytest.raises(Failing):
        way(durable, graph)

    assert way(durable, graph)["log"] == ["1", "3"]
    assert model.calls == 2


def test_an_id_that_the_program_gives_to_a_call_is_kept(durable: Durable) -> None:
    saver = InMemorySaver()
    helper = create_agent(counting(), [], checkpointer=saver)

    def node(state: State) -> State:
        given: RunnableConfig = {**THREAD, "metadata": {"run_id": "mine"}}
        return {"log": [answer(helper.invoke(told(text), given)) for text in ("one", "two")]}

    assert by_wrap(durable, graph_of(node))["log"] == ["1", "1"]
    kept = saver.get_tuple(THREAD)
    assert kept is not None
    assert kept.metadata["run_id"] == "mine"


def test_a_graph_without_a_thread_of_its_own_stays_a_part_of_the_one_it_is_called_in(
    durable: Durable,
) -> None:
    saver = InMemorySaver()
    inner = graph_of(lambda state: {"log": [state["text"]]}, saver=saver)

    def node(state: State) -> State:
        return {"log": inner.invoke({"text": "in"}, {"configurable": {"user": "u"}})["log"]}

    assert by_wrap(durable, graph_of(node))["log"] == ["in"]
    assert saver.get_tuple({"configurable": {"thread_id": "outer"}}) is None


@pytest.mark.parametrize("mode", ["updates", "messages"])
def test_a_resumed_stream_of_a_graph_with_its_own_checkpointer_goes_on_at_its_last_checkpoint(
    durable: Durable, mode: Any
) -> None:
    model, die, ran = Model(), [True], list[str]()

    def first(state: State) -> State:
        ran.append("first")  # no step: it must not happen again
        return {"log": [str(model.invoke("a").content)]}

    def second(state: State) -> State:
        if die:
            raise Failing(die.pop())
        return {"log": [str(model.invoke("b").content)]}

    graph = durable.wrap(graph_of(first, second, saver=InMemorySaver()))
    config = durable.config("run", thread_id="t")

    def streamed() -> str:
        pieces = graph.stream({"text": "x"}, config, stream_mode=mode)
        return "".join(
            piece[0].content if mode == "messages" else str(piece["1"]["log"][0])
            for piece in pieces
        )

    with pytest.raises(Failing):
        list(graph.stream({"text": "x"}, config, stream_mode=mode))

    assert streamed() == "<b>"
    assert streamed() == ""
    assert graph.invoke({"text": "x"}, config)["log"] == ["<a>", "<b>"]
    assert (ran, model.calls) == (["first"], 2)


def asking(saver: Any) -> Any:
    """Asks a person between two model calls."""
    model = Model()

    def ask(state: State) -> State:
        first = model.invoke(state["text"]).content
        return {"log": [str(first), interrupt("sure?")]}

    return graph_of(ask, lambda state: {"log": [model.invoke("last").content]}, saver=saver)


@pytest.mark.parametrize("mode", ["invoke", "stream"])
@pytest.mark.parametrize("way", ["block", "handler"])
def test_a_call_that_was_answered_finds_its_end_when_it_is_made_again(
    durable: Durable, way: str, mode: str
) -> None:
    graph = asking(InMemorySaver())

    def call(given: Any, mode: str = "invoke") -> Any:
        config: Any = {**THREAD}
        if way == "handler":
            config["callbacks"] = [DurableCallbackHandler(durable, run_id="run")]
            return list_or_whole(getattr(graph, mode)(given, config))
        with durable.run("run"):
            return list_or_whole(getattr(graph, mode)(given, config))

    call({"text": "a"})
    call(Command(resume="yes"))
    before, made = graph.get_state(THREAD), durable.get("run").step
    call({"text": "a"}, mode)

    assert before.values["log"] == ["<a>", "yes", "<last>"]
    assert graph.get_state(THREAD) == before
    assert durable.get("run").step == made


def list_or_whole(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


class Conversation:
    """A wrapped graph on a thread of its own, a run a turn. Its model says how much it was told."""

    def __init__(self, durable: Durable) -> None:
        self.durable, self.model, self.broken = durable, counting(), False
        graph = StateGraph(MessagesState)
        graph.add_node("answer", self.answer)
        graph.add_node("check", self.check)
        graph.add_edge(START, "answer")
        graph.add_edge("answer", "check")
        self.graph = durable.wrap(graph.compile(checkpointer=InMemorySaver()))

    def answer(self, state: MessagesState) -> Any:
        return {"messages": [self.model.invoke(state["messages"])]}

    def check(self, state: MessagesState) -> Any:
        if self.broken:
            raise ConnectionError
        asks = "?" in state["messages"][0].text
        return {"messages": [("ai", interrupt("sure?"))]} if asks else {}

    def turn(self, text: str, mode: Any = "values") -> list[Any]:
        config = self.durable.config(f"turn {text}", **THREAD["configurable"])
        return list(self.graph.stream(told(text), config, stream_mode=mode))

    def thread(self) -> Any:
        return self.graph.get_state(THREAD)

    def said(self) -> list[str]:
        return [message.text for message in self.thread().values["messages"]]


@pytest.mark.parametrize("mode", ["values", "updates", "messages"])
def test_a_completed_turn_that_is_streamed_again_leaves_the_later_ones_alone(
    durable: Durable, mode: str
) -> None:
    talk = Conversation(durable)
    (*_, last), _ = talk.turn("one"), talk.turn("two")
    before = talk.thread()

    again = talk.turn("one", mode)

    assert again == ([last] if mode == "values" else [])
    assert talk.thread() == before
    assert talk.model.calls == 2


def test_a_turn_that_failed_goes_on_behind_the_completed_ones(durable: Durable) -> None:
    talk = Conversation(durable)
    talk.turn("one")
    talk.broken = True
    with pytest.raises(ConnectionError):
        talk.turn("two")
    talk.broken = False

    talk.turn("one")
    talk.turn("two")

    assert talk.said() == ["one", "1", "two", "3"]
    assert talk.model.calls == 2


def test_what_a_person_has_changed_is_asked_about_and_not_asked_for_anew(durable: Durable) -> None:
    talk = Conversation(durable)
    talk.turn("one?")
    talk.graph.update_state(THREAD, {"messages": [("ai", "edited")]}, as_node="answer")

    *_, asked = talk.turn("one?", "updates")

    assert asked["__interrupt__"][0].value == "sure?"
    assert talk.said() == ["one?", "1", "edited"]
    assert talk.model.calls == 1
