"""Messages that come without an id: the same one in every attempt, and never that of another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypedDict
from uuid import UUID, uuid4

import pytest
from langchain.agents import create_agent
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, InjectedToolCallId, tool
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES, add_messages
from langgraph.prebuilt import InjectedState
from langgraph.types import Command, Overwrite, Send, interrupt

from langchain_durable import Durable, DurableCallbackHandler
from langchain_durable.intercept.install import install, uninstall
from langchain_durable.touchpoints.langgraph import with_message_reducer
from tests.fakes import Failing, Model, calls, once_each

Go = Callable[[Any, Any, Any], Any]
"""Calls a graph with an input and a config, in one of its modes."""


def invoked(graph: Any, given: Any, config: Any) -> Any:
    return graph.invoke(given, config)


def ainvoked(graph: Any, given: Any, config: Any) -> Any:
    return asyncio.run(graph.ainvoke(given, config))


def streamed(graph: Any, given: Any, config: Any) -> Any:
    """By tokens, as a chat's server does it: LangGraph gives ids elsewhere then."""
    modes = ["values", "messages"]
    return [p for mode, p in graph.stream(given, config, stream_mode=modes) if mode == "values"][-1]


def astreamed(graph: Any, given: Any, config: Any) -> Any:
    async def stream() -> Any:
        modes = ["values", "messages"]
        pieces = [p async for p in graph.astream(given, config, stream_mode=modes)]
        return [piece for mode, piece in pieces if mode == "values"][-1]

    return asyncio.run(stream())


MODES = [invoked, ainvoked, streamed, astreamed]
CHANGES = [(invoked, astreamed), (astreamed, ainvoked), (ainvoked, streamed), (streamed, invoked)]
"""The mode of the first attempt, and that of the second."""
YES = {"messages": [{"role": "user", "content": "yes"}]}


def texts(state: Any) -> list[str]:
    return [str(message.content) for message in state["messages"]]


def ids(messages: Sequence[BaseMessage]) -> list[str | None]:
    found = [message.id for message in messages]
    assert None not in found
    assert len({*found}) == len(found)
    return found


class Attempts:
    """The ids that a graph's nodes have seen, in each of two attempts of one run."""

    def __init__(self) -> None:
        self.seen: list[list[str | None]] = []
        self.first: list[list[str | None]] = []

    def see(self, state: Any) -> dict[str, Any]:
        self.seen.append(ids(state["messages"]))
        return {}

    def die(self, state: Any) -> dict[str, Any]:
        self.see(state)
        if not self.first:
            raise Failing
        return {}

    def again(self) -> None:
        self.first, self.seen = self.seen, []

    def agree(self) -> bool:
        return bool(self.first) and self.seen[: len(self.first)] == self.first


def two_attempts(
    durable: Durable,
    make: Callable[[Attempts], Any],
    given: Callable[[], Any] = lambda: YES,
    *,
    first: Go = invoked,
    second: Go = invoked,
    **configurable: Any,
) -> tuple[Attempts, Any]:
    """Make a run that dies, and resume it, each time with a graph made anew."""
    attempts = Attempts()
    config = durable.config("run", **configurable)
    with pytest.raises(Failing):
        first(durable.wrap(make(attempts)), given(), config)
    attempts.again()
    return attempts, second(durable.wrap(make(attempts)), given(), config)


def chain_of(*nodes: Any, schema: Any = MessagesState, checkpointer: Any = None) -> Any:
    graph = StateGraph(schema)
    names = [f"n{number}" for number in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        graph.add_node(name, node)
    for above, below in zip([START, *names], names, strict=False):
        graph.add_edge(above, below)
    return graph.compile(checkpointer=checkpointer)


def saying(*messages: Any) -> Callable[[Any], dict[str, Any]]:
    def say(state: Any) -> dict[str, Any]:
        return {"messages": [m.model_copy() if isinstance(m, BaseMessage) else m for m in messages]}

    return say


# -- the same in both attempts ----------------------------------------------------------------


@pytest.mark.parametrize("second", MODES)
@pytest.mark.parametrize("first", MODES)
def test_ids_are_the_same_in_every_attempt_in_any_mode(
    durable: Durable, first: Go, second: Go
) -> None:
    def make(attempts: Attempts) -> Any:
        say = saying(AIMessage("yes"), AIMessage("yes"), ("user", "yes"), "yes")
        return chain_of(say, attempts.see, say, attempts.die)

    attempts, done = two_attempts(durable, make, first=first, second=second)

    assert attempts.agree()
    assert texts(done) == ["yes"] * 9


FORMS: dict[str, Callable[[], Any]] = {
    "a dict": lambda: {"messages": [{"role": "user", "content": "yes"}] * 2},
    "pairs": lambda: {"messages": [("user", "yes"), ("user", "yes")]},
    "a text": lambda: {"messages": "yes"},
    "messages": lambda: {"messages": [HumanMessage("yes"), HumanMessage("yes")]},
    "a message": lambda: {"messages": HumanMessage("yes")},
    "a mixture": lambda: {"messages": ["yes", HumanMessage("yes"), ("user", "yes")]},
    "overwritten": lambda: {"messages": Overwrite([HumanMessage("yes"), HumanMessage("yes")])},
}


@pytest.mark.parametrize("form", FORMS)
def test_inputs_in_all_forms_get_the_same_ids(durable: Durable, form: str) -> None:
    def make(attempts: Attempts) -> Any:
        return chain_of(saying("no"), attempts.see, attempts.die)

    attempts, done = two_attempts(durable, make, FORMS[form])

    assert attempts.agree()
    assert texts(done) == ["yes"] * (len(done["messages"]) - 1) + ["no"]


def test_a_message_that_the_caller_holds_gets_its_id_as_without_us(durable: Durable) -> None:
    held = HumanMessage("yes")

    done = durable.wrap(chain_of(saying("no"))).invoke({"messages": [held]}, durable.config("run"))

    assert held.id == done["messages"][0].id is not None


def trimmed(left: Any, right: Any) -> Any:
    merged: Any = add_messages(left, right)
    return merged[-3:]


class Trimmed(TypedDict):
    messages: Annotated[list[AnyMessage], trimmed]


def test_a_reducer_around_langgraphs_gives_the_same_ids(durable: Durable) -> None:
    def make(attempts: Attempts) -> Any:
        say = saying("one", AIMessage("two"))
        return chain_of(say, attempts.see, say, attempts.die, schema=Trimmed)

    attempts, done = two_attempts(durable, make)

    assert attempts.agree()
    assert texts(done) == ["two", "one", "two"]


def merged(state: Any, writes: list[Any]) -> Any:
    for write in writes:
        state = add_messages(state, write)
    return state


class Kept(TypedDict):
    messages: Annotated[list[AnyMessage], DeltaChannel(merged)]


@pytest.mark.parametrize("form", ["a dict", "messages"])
def test_a_channel_that_keeps_what_is_written_gets_the_same_ids(
    durable: Durable, form: str
) -> None:
    def make(attempts: Attempts) -> Any:
        say = saying(AIMessage("no"), AIMessage("no"))
        return chain_of(say, attempts.see, say, attempts.die, schema=Kept)

    attempts, done = two_attempts(durable, make, FORMS[form])

    assert attempts.agree()
    assert texts(done) == ["yes", "yes", *["no"] * 4]


def test_answers_and_tool_results_keep_their_ids(durable: Durable) -> None:
    def make(attempts: Attempts) -> Any:
        answer = once_each(calls(("look", {})), "done")

        def asked(messages: Sequence[BaseMessage]) -> AIMessage | str:
            attempts.seen.append(ids(messages))
            if len(messages) == 3 and not attempts.first:
                raise Failing
            return answer(messages)

        return create_agent(Model(answer=asked), [look])

    attempts, done = two_attempts(durable, make)

    assert attempts.seen[-1] == attempts.first[-1]
    assert texts(done) == ["yes", "", "saw", "done"]


@tool
def look() -> str:
    """Look something up."""
    return "saw"


def test_ids_of_tool_calls_that_a_program_draws_itself_do_not_count(durable: Durable) -> None:
    def back(state: Any) -> Any:
        call = {"name": "back", "args": {}, "id": str(uuid4())}
        returned = ToolMessage("returned", tool_call_id=call["id"])
        return {"messages": [AIMessage("", tool_calls=[call]), returned]}

    def make(attempts: Attempts) -> Any:
        return chain_of(back, attempts.see, back, attempts.die)

    attempts, _ = two_attempts(durable, make)

    assert attempts.agree()


@pytest.mark.parametrize("mode", MODES)
def test_graphs_that_tools_call_in_parallel_have_their_own_ids(durable: Durable, mode: Go) -> None:
    begun = threading.Barrier(3)  # a call that outlives its run has no record, and no place

    def make(attempts: Attempts) -> Any:
        def die(state: Any) -> dict[str, Any]:
            attempts.see(state)
            if not attempts.first:
                begun.wait(30)
                raise Failing
            return {}

        inner = chain_of(saying("yes", AIMessage("yes")), die)

        @tool
        def delegate(number: int) -> str:
            """Have it done."""
            inner.invoke(YES)
            return "done"

        asked = [("delegate", {"number": number}) for number in range(3)]
        return create_agent(Model(answer=once_each(calls(*asked), "", "", "all done")), [delegate])

    attempts, done = two_attempts(durable, make, first=mode, second=mode)

    again = {found for seen in attempts.seen for found in seen}
    assert {found for seen in attempts.first for found in seen} <= again
    assert len(again) == 3 * 3
    assert texts(done)[-1] == "all done"


# -- tools that name messages -----------------------------------------------------------------


@tool
def forget(
    state: Annotated[Any, InjectedState], tool_call_id: Annotated[str, InjectedToolCallId]
) -> Command[Any]:
    """Forget all that was said before the last answer."""
    gone = [RemoveMessage(id=message.id) for message in state["messages"][:-1]]
    return Command(update={"messages": [*gone, ToolMessage("gone", tool_call_id=tool_call_id)]})


@tool
def keep(
    state: Annotated[Any, InjectedState], tool_call_id: Annotated[str, InjectedToolCallId]
) -> Command[Any]:
    """Give the whole conversation back."""
    said = ToolMessage("kept", tool_call_id=tool_call_id)
    return Command(update={"messages": [*state["messages"], said]})


@pytest.mark.parametrize(("first", "second"), CHANGES)
@pytest.mark.parametrize(
    ("named", "expected"), [(forget, ["", "gone", "done"]), (keep, ["yes", "", "saw", "", "kept"])]
)
def test_a_tool_that_names_messages_of_its_state_finds_them_after_a_crash(
    durable: Durable, named: BaseTool, expected: list[str], first: Go, second: Go
) -> None:
    def make(attempts: Attempts) -> Any:
        def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
            said = {m.content for m in messages}
            if said & {"gone", "kept"}:
                if not attempts.first and not attempts.seen:
                    attempts.seen.append([])
                    raise Failing
                return "done"
            return calls((named.name, {})) if "saw" in said else calls_once("look")

        return create_agent(Model(answer=answer), [look, named])

    _, done = two_attempts(durable, make, first=first, second=second)

    assert texts(done)[: len(expected)] == expected
    assert texts(done)[-1] == "done"
    ids(done["messages"])


def calls_once(name: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": {}, "id": "one", "type": "tool_call"}])


# -- never the id of another message ----------------------------------------------------------


def test_equal_messages_of_a_graph_that_is_called_again_are_all_kept(durable: Durable) -> None:
    def make(attempts: Attempts) -> Any:
        inner = chain_of(saying(AIMessage("yes"), ("ai", "yes")))

        def twice(state: Any) -> Any:
            found = [inner.invoke(YES)["messages"] for _ in range(2)]
            return {"messages": [message for messages in found for message in messages]}

        return chain_of(twice, attempts.see, inner, attempts.see, twice, attempts.die)

    attempts, done = two_attempts(durable, make)

    assert attempts.agree()
    assert texts(done) == ["yes"] * (1 + 6 + 2 + 6)


class Sent(MessagesState):
    number: int


def fanned_out(attempts: Attempts, node: Any, count: int = 4) -> Any:
    graph = StateGraph(Sent)
    graph.add_node("node", node)
    graph.add_node("die", attempts.die)
    graph.add_conditional_edges(
        START, lambda state: [Send("node", {**YES, "number": n}) for n in range(count)]
    )
    graph.add_conditional_edges("node", lambda state: "die")  # the edge sees what the state will be
    return graph.compile()


@pytest.mark.parametrize(("first", "second"), CHANGES)
def test_equal_messages_of_parallel_branches_are_all_kept(
    durable: Durable, first: Go, second: Go
) -> None:
    inner = chain_of(saying(AIMessage("yes")))

    def say(state: Any) -> Any:
        found = inner.invoke({"messages": state["messages"]})["messages"]
        return {"messages": [*found, AIMessage("yes"), ("ai", "yes")]}

    def make(attempts: Attempts) -> Any:
        return fanned_out(attempts, say)

    attempts, done = two_attempts(durable, make, first=first, second=second)

    assert attempts.agree()
    assert texts(done) == ["yes"] * (1 + 4 * 4)


def asks(state: Any) -> Any:
    if state["number"] == 1:
        interrupt("go on?")
    return {"messages": [AIMessage("yes"), ("ai", "yes")]}


@pytest.mark.parametrize("mode", MODES)
def test_a_branch_that_was_interrupted_keeps_clear_of_those_that_were_not(
    durable: Durable, mode: Go
) -> None:
    attempts = Attempts()
    graph = durable.wrap(fanned_out(attempts, asks, 2))
    config = durable.config("run")
    mode(graph, YES, config)

    with pytest.raises(Failing):
        mode(graph, Command(resume="yes"), config)
    attempts.again()
    done = mode(graph, Command(resume="yes"), config)

    assert attempts.agree()
    assert texts(done) == ["yes"] * 5


def test_calls_of_a_batch_keep_their_ids_whatever_their_order(durable: Durable) -> None:
    attempts = Attempts()

    def batch() -> Any:
        graph = chain_of(saying("no"), attempts.die)
        with durable.run("run"):
            return graph.batch([{"messages": f"text {number}"} for number in range(6)])

    with pytest.raises(Failing):
        batch()
    attempts.again()
    done = {tuple(ids(state["messages"])) for state in batch()}

    assert {tuple(seen) for seen in attempts.first} <= done
    assert len(done) == 6


def test_turns_of_one_thread_have_ids_of_their_own(durable: Durable) -> None:
    agent = durable.wrap(chain_of(saying("yes"), checkpointer=InMemorySaver()))

    for turn in ("1", "2", "3"):
        done = agent.invoke(YES, durable.config(turn, thread_id="t"))

    assert texts(done) == ["yes"] * 6
    ids(done["messages"])


def test_a_turn_that_goes_on_at_its_checkpoint_gives_new_messages_new_ids(durable: Durable) -> None:
    saver = InMemorySaver()

    def make(attempts: Attempts) -> Any:
        say = saying("yes", AIMessage("yes"))
        return chain_of(say, attempts.see, say, attempts.die, say, say, checkpointer=saver)

    attempts, done = two_attempts(durable, make, thread_id="t")

    assert ids(done["messages"])[:5] == attempts.first[-1]
    assert texts(done) == ["yes"] * 9


def test_a_run_id_that_is_used_again_does_not_replace_what_its_thread_has(durable: Durable) -> None:
    agent = durable.wrap(chain_of(saying("yes"), checkpointer=InMemorySaver()))
    for run in ("one", "two", "one"):
        done = agent.invoke(YES, durable.config(run, thread_id="t"))
        durable.delete(run)

    assert texts(done) == ["yes"] * 6
    ids(done["messages"])


def test_tools_of_several_turns_have_messages_of_their_own(durable: Durable) -> None:
    @tool
    def look() -> str:
        """Look."""
        return "seen"

    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        return (
            "done" if isinstance(messages[-1], ToolMessage) else calls(("look", {}), ("look", {}))
        )

    agent: Any = durable.wrap(
        create_agent(Model(answer=answer), [look], checkpointer=InMemorySaver())
    )
    for run in ("one", "two", "one"):
        done = agent.invoke(YES, durable.config(run, thread_id="t"))
        durable.delete(run)

    assert texts(done) == ["yes", "", "seen", "seen", "done"] * 3
    ids(done["messages"])


def test_calls_of_one_graph_in_a_run_have_tool_messages_of_their_own(durable: Durable) -> None:
    @tool
    def look() -> str:
        """Look."""
        return "seen"

    agent: Any = create_agent(Model(answer=once_each(calls(("look", {})), "done")), [look])
    found: list[str | None] = []
    for run in ("one", "two"):
        with durable.run(run):
            for _ in range(2):
                messages = agent.invoke(YES)["messages"]
                found += [m.id for m in messages if isinstance(m, ToolMessage)]

    assert len({*found}) == 4


def test_a_fork_of_a_thread_gives_its_messages_ids_of_their_own(durable: Durable) -> None:
    agent = durable.wrap(
        chain_of(saying("yes"), saying("yes"), saying("yes"), checkpointer=InMemorySaver())
    )
    thread = durable.config("one", thread_id="t")
    whole = agent.invoke(YES, thread)
    early = next(s for s in agent.get_state_history(thread) if len(s.values["messages"]) == 2)
    at: RunnableConfig = early.config

    forked = agent.invoke(None, durable.config("two", **at["configurable"]))

    assert texts(forked) == texts(whole) == ["yes"] * 4
    assert ids(forked["messages"])[:2] == ids(whole["messages"])[:2]
    assert not {*ids(forked["messages"])[2:]} & {*ids(whole["messages"])}


def test_a_message_that_was_cleared_away_does_not_stand_in_the_way(durable: Durable) -> None:
    def clear(state: Any) -> Any:
        return {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), AIMessage("yes")]}

    def make(attempts: Attempts) -> Any:
        return chain_of(saying("yes"), clear, attempts.see, clear, saying("yes"), attempts.die)

    attempts, done = two_attempts(durable, make)

    assert attempts.agree()
    assert texts(done) == ["yes", "yes"]


# -- wherever a run is, and nowhere else ------------------------------------------------------


def test_graphs_in_a_block_keep_their_ids(durable: Durable) -> None:
    saver = InMemorySaver()
    attempts = Attempts()

    def block() -> Any:
        with durable.run("run"):
            for graph in (
                chain_of(attempts.see, checkpointer=saver),
                chain_of(saying("yes"), attempts.see),
                chain_of(saying("yes"), attempts.die),
            ):
                done = graph.invoke(YES, {"configurable": {"thread_id": "t"}})
        return done

    with pytest.raises(Failing):
        block()
    attempts.again()
    done = block()

    assert attempts.seen == attempts.first[1:]  # the first graph's thread has what it saw
    assert texts(done) == ["yes", "yes"]


@pytest.mark.parametrize("mode", MODES)
def test_a_callback_makes_ids_the_same_too(durable: Durable, mode: Go) -> None:
    attempts = Attempts()

    def make() -> Any:
        inner = chain_of(saying("yes"), attempts.see)
        return chain_of(saying("yes", AIMessage("yes")), attempts.see, inner, attempts.die)

    def config() -> Any:
        return {"callbacks": [DurableCallbackHandler(durable, run_id="run")]}

    with pytest.raises(Failing):
        mode(make(), YES, config())
    attempts.again()
    mode(make(), YES, config())

    assert attempts.agree()


def test_outside_of_runs_ids_are_langgraphs(durable: Durable) -> None:
    graph = chain_of(saying("yes"))
    with durable.run("run"):
        inside = ids(graph.invoke(YES)["messages"])
    outside = ids(graph.invoke(YES)["messages"])
    uninstall()
    try:
        without = ids(graph.invoke(YES)["messages"])
    finally:
        install()

    assert [version(found) for found in (*inside, *outside, *without)] == [8, 8, 4, 4, 4, 4]


def version(found: str | None) -> int | None:
    return UUID(found).version


def test_a_message_without_a_graph_is_left_as_it_is(durable: Durable) -> None:
    with durable.run("run"):
        merged_by_hand: Any = add_messages(HumanMessage("a", id="1"), HumanMessage("b"))
    assert version(merged_by_hand[1].id) == 4


def test_a_langgraph_that_merges_messages_in_another_way_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("langgraph.graph.message.add_messages", lambda left, right: right)

    with_message_reducer(lambda cell: pytest.fail("there is none"))

    assert "add_messages is made in another way" in caplog.text
