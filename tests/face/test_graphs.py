"""LangGraph graphs: interrupts, state, own checkpointers, parallel tools, side channels."""

from __future__ import annotations

import operator
import threading
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_config, get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from langchain_durable import (
    Durable,
    DurableCallbackHandler,
    DurableWarning,
    RunStatus,
)
from langchain_durable.errors import ConfigurationError
from tests.fakes import Failing, Model, calls, once_each


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[str], operator.add]


def asking(model: Model, checkpointer: Any = None) -> Any:
    """Calls the model, asks a person, calls the model again."""

    def ask(state: State) -> State:
        first = model.invoke(state["text"]).content
        answer = interrupt({"question": first})
        return {"log": [str(first), answer, str(model.invoke(answer).content)]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile(checkpointer=checkpointer)


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()], ids=["ours", "own"])
def test_an_interrupt_pauses_and_a_command_goes_on(durable: Durable, checkpointer: Any) -> None:
    model = Model()
    graph = durable.wrap(asking(model, checkpointer))
    config = durable.config(f"run-{bool(checkpointer)}", thread_id="t")

    asked = graph.invoke({"text": "a"}, config)
    assert asked["__interrupt__"][0].value == {"question": "<a>"}
    assert durable.get(f"run-{bool(checkpointer)}").status is RunStatus.PAUSED
    again = graph.invoke({"text": "a"}, config)
    assert again["__interrupt__"][0].value == {"question": "<a>"}

    done = graph.invoke(Command(resume="yes"), config)

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert model.calls == 2
    assert durable.get(f"run-{bool(checkpointer)}").status is RunStatus.COMPLETED
    assert graph.invoke({"text": "a"}, config)["log"] == done["log"]


def test_another_process_answers_the_interrupt(make_durable: Any) -> None:
    first, second = make_durable(), make_durable()
    one, other = Model(), Model()
    first.wrap(asking(one)).invoke({"text": "a"}, first.config("run"))

    done = second.wrap(asking(other)).invoke(Command(resume="yes"), second.config("run"))

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert (one.calls, other.calls) == (1, 1)


def test_the_state_of_a_paused_graph_can_be_read(durable: Durable) -> None:
    graph = durable.wrap(asking(Model()))
    graph.invoke({"text": "a"}, durable.config("run"))

    state = graph.get_state(durable.config("run"))

    assert state.next == ("ask",)
    assert state.values["text"] == "a"


async def test_a_paused_graph_goes_on_in_another_mode(durable: Durable) -> None:
    model = Model()
    graph = durable.wrap(asking(model))
    list(graph.stream({"text": "a"}, durable.config("run")))

    done = await graph.ainvoke(Command(resume="yes"), durable.config("run"))

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert model.calls == 2


def test_each_of_several_subgraphs_in_a_node_is_answered_once(durable: Durable) -> None:
    inner = asking(Model())

    def node(state: State) -> State:
        return {"log": [line for text in "ab" for line in inner.invoke({"text": text})["log"]]}

    outer = StateGraph(State)
    outer.add_node("node", node)
    outer.add_edge(START, "node")
    graph = durable.wrap(outer.compile())
    config = durable.config("run")

    state = graph.invoke({"text": "x"}, config)
    questions: list[str] = []
    while "__interrupt__" in state and len(questions) < 4:
        questions.append(state["__interrupt__"][0].value["question"])
        state = graph.invoke(Command(resume=f"yes to {questions[-1]}"), config)

    assert questions == ["<a>", "<b>"]
    assert state["log"][1::3] == ["yes to <a>", "yes to <b>"]


def test_an_interrupt_that_the_program_answers_itself_does_not_leave_the_run_paused(
    durable: Durable,
) -> None:
    graph = asking(Model(), InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}

    with durable.run("run"):
        graph.invoke({"text": "a"}, config)
        done = graph.invoke(Command(resume="yes"), config)

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert durable.get("run").status is RunStatus.COMPLETED


def test_a_block_whose_graph_waits_for_a_person_is_paused(durable: Durable) -> None:
    graph = asking(Model(), InMemorySaver())

    with durable.run("run"):
        for thread in "ab":
            graph.invoke({"text": "a"}, {"configurable": {"thread_id": thread}})
        graph.invoke(Command(resume="yes"), {"configurable": {"thread_id": "a"}})

    assert durable.get("run").status is RunStatus.PAUSED


@pytest.mark.parametrize("answered", [True, False])
def test_what_a_node_asks_on_a_thread_of_its_own_does_not_pause_the_run(
    durable: Durable, answered: bool
) -> None:
    inner = asking(Model(), InMemorySaver())

    def node(state: State) -> State:
        thread: Any = {"configurable": {"thread_id": "inner"}}
        asked = inner.invoke({"text": state["text"]}, thread)
        if not answered:
            return {"log": [asked["__interrupt__"][0].value["question"]]}
        return {"log": inner.invoke(Command(resume="yes"), thread)["log"]}

    outer = StateGraph(State)
    outer.add_node("node", node)
    outer.add_edge(START, "node")

    said = durable.wrap(outer.compile()).invoke({"text": "a"}, durable.config("run"))

    assert said["log"] == (["<a>", "yes", "<yes>"] if answered else ["<a>"])
    assert durable.get("run").result == said


class Held(State, total=False):
    held: Any


def holding(model: Model, held: Any, *, then: Any) -> Any:
    """Holds something in its state; then ``then`` decides how it goes on."""

    def hold(_: Held) -> Held:
        return {"held": held, "log": [str(model.invoke("a").content)]}

    def go_on(state: Held) -> Held:
        then(state)
        return {"log": [str(model.invoke("b").content)]}

    graph: Any = StateGraph(Held)
    graph.add_node("hold", hold)
    graph.add_node("go_on", go_on)
    graph.add_edge(START, "hold")
    graph.add_edge("hold", "go_on")
    return graph.compile()


def test_a_state_that_nothing_can_store_does_not_break_a_resumed_run(durable: Durable) -> None:
    model, fail = Model(), [True]

    def then(_: Any) -> None:
        if fail:
            raise Failing(fail.pop())

    graph = durable.wrap(holding(model, threading.Lock(), then=then))
    with pytest.raises(Failing):
        graph.invoke({}, durable.config("run"))

    assert graph.invoke({}, durable.config("run"))["log"] == ["<a>", "<b>"]
    assert durable.get("run").status is RunStatus.COMPLETED
    assert model.calls == 2


def test_a_state_that_cannot_be_stored_at_a_pause_gives_the_run_back(durable: Durable) -> None:
    graph = durable.wrap(holding(Model(), threading.Lock(), then=lambda _: interrupt("?")))

    for _ in range(2):  # the second is not refused because of the first
        with pytest.raises(TypeError, match="lock"):
            graph.invoke({}, durable.config("run"))
        assert durable.get("run").status is RunStatus.FAILED


def test_a_paused_run_may_end_in_a_state_that_nothing_can_store(durable: Durable) -> None:
    def end(state: State) -> Any:
        interrupt("well?")
        return {"held": threading.Lock()}

    builder = StateGraph(Held)
    builder.add_node("end", end)
    builder.add_edge(START, "end")
    graph = durable.wrap(builder.compile())
    graph.invoke({"text": "a"}, durable.config("run"))

    with pytest.warns(DurableWarning, match="last state of its graph cannot be kept"):
        graph.invoke(Command(resume="yes"), durable.config("run"))

    assert durable.get("run").status is RunStatus.COMPLETED


@dataclass
class Plan:
    price: int


def test_a_class_in_a_paused_state_is_named_if_the_handle_does_not_know_it(
    make_durable: Any,
) -> None:
    def pause(handle: Durable) -> tuple[Any, list[Any]]:
        seen: list[Any] = []

        def then(state: Held) -> None:
            interrupt("well?")
            seen.append(state["held"])

        graph = handle.wrap(holding(Model(), Plan(3), then=then))
        graph.invoke({}, handle.config("run"))
        return graph, seen

    graph, seen = pause(make_durable())
    with pytest.warns(DurableWarning, match=r"test_graphs\.Plan.*Durable\(allow=\[Plan\]\)"):
        graph.invoke(Command(resume="yes"), durable_config())
    assert seen == [{"price": 3}]

    graph, seen = pause(make_durable(prefix="other", allow=[Plan]))
    graph.invoke(Command(resume="yes"), durable_config())
    assert seen == [Plan(3)]


def durable_config() -> Any:
    return {"configurable": {"durable_run_id": "run"}}


def test_a_static_breakpoint_pauses_the_run(durable: Durable) -> None:
    model = Model()
    graph = durable.wrap(asking(model))

    graph.invoke({"text": "a"}, durable.config("run"), interrupt_before=["ask"])
    assert durable.get("run").status is RunStatus.PAUSED
    asked = graph.invoke(None, durable.config("run"))

    assert asked["__interrupt__"][0].value == {"question": "<a>"}


def test_a_new_turn_is_a_new_run_on_the_same_thread(durable: Durable) -> None:
    model = Model(answer=lambda messages: f"{len(messages)}")
    agent = durable.wrap(create_agent(model, [], checkpointer=InMemorySaver()))

    for turn in ("one", "two"):
        for _ in range(2):
            said = agent.invoke(
                {"messages": [HumanMessage(turn, id=turn)]}, durable.config(turn, thread_id="t")
            )
    assert [m.content for m in said["messages"]] == ["one", "1", "two", "3"]
    assert model.calls == 2


def test_a_graph_without_a_checkpointer_does_not_get_a_memory(durable: Durable) -> None:
    model = Model(answer=lambda messages: f"{len(messages)}")
    agent = durable.wrap(create_agent(model, []))

    for turn in ("one", "two"):
        said = agent.invoke({"messages": [HumanMessage(turn)]}, durable.config(turn, thread_id="t"))
    assert [m.content for m in said["messages"]] == ["two", "1"]


def tools_that(log: list[str], *, fail: list[bool]) -> list[BaseTool]:
    @tool
    def look(what: str) -> str:
        """Look something up."""
        get_stream_writer()({"looking": what})
        log.append(what)
        return f"saw {what}"

    @tool
    def break_down() -> str:
        """Break."""
        if fail:
            raise Failing(fail.pop())
        return "fixed"

    return [look, break_down]


def agent_of(model: Model, log: list[str], fail: list[bool]) -> Any:
    return create_agent(model, tools_that(log, fail=fail))


SCRIPT = once_each(
    calls(("look", {"what": "x"}), ("look", {"what": "y"})),
    "unused",
    calls(("break_down", {})),
    "done",
)


def test_an_agent_that_failed_in_a_tool_makes_only_that_call_again(durable: Durable) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    agent = durable.wrap(agent_of(model, log, [True]))
    with pytest.raises(Failing):
        agent.invoke({"messages": [HumanMessage("go")]}, durable.config("run"))

    said = agent.invoke({"messages": [HumanMessage("go")]}, durable.config("run"))

    assert said["messages"][-1].content == "done"
    assert (sorted(log), model.calls) == (["x", "y"], 3)


def test_what_a_tool_streamed_is_streamed_again_on_replay(durable: Durable) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    agent = durable.wrap(agent_of(model, log, [True]))

    def custom() -> list[Any]:
        asked = {"messages": [HumanMessage("go")]}
        stream = agent.stream(asked, durable.config("run"), stream_mode="custom")
        return sorted(piece["looking"] for piece in stream)

    with pytest.raises(Failing):
        custom()
    assert custom() == ["x", "y"]
    assert len(log) == 2


@pytest.mark.parametrize("mode", ["debug", "checkpoints", "tasks"])
def test_debug_streams_of_a_graph_with_subgraphs_need_no_thread(
    durable: Durable, mode: Any
) -> None:
    seen: list[Any] = []
    model = Model()

    def look(state: State, config: RunnableConfig) -> State:
        seen.extend([config["configurable"].get("thread_id"), "thread_id" in config["metadata"]])
        return {"log": [str(model.invoke(state["text"]).content)]}

    inner = StateGraph(State)
    inner.add_node("look", look)
    inner.add_edge(START, "look")
    outer = StateGraph(State)
    outer.add_node("inner", inner.compile())
    outer.add_edge(START, "inner")
    graph = durable.wrap(outer.compile())

    pieces: list[Any] = list(
        graph.stream(
            {"text": "a"}, durable.config("run"), stream_mode=[mode, "values"], subgraphs=True
        )
    )

    told = [piece for ns, kind, piece in pieces if kind == "values" and not ns]
    assert told[-1]["log"] == ["<a>"]
    assert any(kind == mode for _, kind, _ in pieces)
    assert seen == [None, False]


def test_resume_needs_only_the_id(make_durable: Any) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    first, second = make_durable(), make_durable()
    with pytest.raises(Failing):
        first.wrap(agent_of(model, log, [True]), name="helper").invoke(
            {"messages": [HumanMessage("go")]}, first.config("run", thread_id="t")
        )

    known = second.wrap(agent_of(model, log, []), name="helper")
    assert second.resume("run")["messages"][-1].content == "done"
    assert (len(log), model.calls) == (2, 3)
    assert known.get_name() == "LangGraph"


def test_the_checkpoint_has_messages_and_tool_results(durable: Durable) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    agent = durable.wrap(agent_of(model, log, []))
    agent.invoke({"messages": [HumanMessage("go")]}, durable.config("run"))

    run = durable.get("run")

    assert [m.type for m in run.messages] == ["human", "ai", "tool", "tool", "ai", "tool", "ai"]
    assert sorted(map(str, run.tool_results.values())) == ["fixed", "saw x", "saw y"]
    assert run.step == 6


class Remembering(InMemorySaver):
    """Stands for a database: the threads outlive the attempts."""


def two_turns(agent: Any, fail: list[bool]) -> list[str]:
    said = []
    for turn in ("one", "two"):
        asked = {"messages": [HumanMessage(turn)]}
        state = agent.invoke(asked, {"configurable": {"thread_id": "t"}})
        said.append(" ".join(str(m.content) for m in state["messages"]))
        if turn == "two" and fail:
            raise Failing(fail.pop())
    return said


def test_turns_on_a_threads_own_checkpointer_are_not_taken_twice_in_a_block(
    durable: Durable,
) -> None:
    model = Model(answer=lambda messages: f"{len(messages)}")
    agent = create_agent(model, [], checkpointer=Remembering())
    with pytest.raises(Failing), durable.run("run"):
        two_turns(agent, [True])

    with durable.run("run"):
        said = two_turns(agent, [])

    assert said == ["one 1", "one 1 two 3"]
    assert model.calls == 2


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
async def test_a_callback_resumes_an_agent_with_its_own_checkpointer(
    durable: Durable, mode: str
) -> None:
    model, log = Model(answer=SCRIPT), list[str]()
    agent = create_agent(model, tools_that(log, fail=[True]), checkpointer=Remembering())

    async def attempt() -> Any:
        config: Any = {
            "callbacks": [DurableCallbackHandler(durable, run_id="run")],
            "configurable": {"thread_id": "t"},
        }
        asked: Any = {"messages": [HumanMessage("go")]}
        return (
            agent.invoke(asked, config) if mode == "invoke" else await agent.ainvoke(asked, config)
        )

    with pytest.raises(Failing):
        await attempt()
    said = await attempt()

    assert [m.type for m in said["messages"]] == ["human", "ai", "tool", "tool", "ai", "tool", "ai"]
    assert (sorted(log), model.calls) == (["x", "y"], 3)


def test_equal_turns_on_threads_of_their_own_keep_their_answers(durable: Durable) -> None:
    answers = iter(("one", "two", "three"))
    model = Model(answer=lambda messages: next(answers))
    agent = create_agent(model, [], checkpointer=Remembering())

    def ask_three(*, fail: bool) -> list[str]:
        said = []
        for thread in "abc":
            asked: Any = {"messages": [HumanMessage("your opinion?")]}
            state = agent.invoke(asked, {"configurable": {"thread_id": thread}})
            said.append(state["messages"][-1].content)
            if fail and thread == "a":
                raise Failing
        return said

    with pytest.raises(Failing), durable.run("run"):
        ask_three(fail=True)
    with durable.run("run"):
        said = ask_three(fail=False)

    assert said == ["one", "two", "three"]
    assert model.calls == 3


class Who(TypedDict):
    name: str


def greeting() -> Any:
    """Fails once. It needs what no journal has: a runtime context, and a value that is no text."""
    broken = [True]

    def fail(state: State) -> State:
        if broken.pop():
            broken.append(False)
            raise Failing
        return {}

    def greet(state: State, runtime: Runtime[Who]) -> State:
        given = get_config()["configurable"]
        return {"text": f"{runtime.context['name']} {given['likes']} {given['team']}"}

    graph = StateGraph(State, context_schema=Who)
    graph.add_node("fail", fail)
    graph.add_node("greet", greet)
    graph.add_edge(START, "fail")
    graph.add_edge("fail", "greet")
    return graph.compile()


def test_resume_takes_what_the_journal_does_not_have(durable: Durable) -> None:
    graph = durable.wrap(greeting())
    config = durable.config("run", likes=["bees"], team="a")
    with pytest.raises(Failing):
        graph.invoke({"text": "a"}, config, context=Who(name="ann"))

    done = durable.resume(
        "run",
        graph,
        config={"configurable": {"likes": ["bees"]}, "tags": ["again"]},
        context=Who(name="ann"),
    )

    assert done["text"] == "ann ['bees'] a"


def test_resume_answers_what_a_graph_asks(make_durable: Any) -> None:
    first, second = make_durable(), make_durable()
    one, other = Model(), Model()
    first.wrap(asking(one)).invoke({"text": "a"}, first.config("run"))

    done = second.resume("run", asking(other), answer="yes")

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert (one.calls, other.calls) == (1, 1)
    with pytest.raises(ConfigurationError, match="waits for no answer"):
        second.resume("run", asking(other), answer="again")
    assert second.resume("run", asking(other)) == done


async def test_aresume_answers_what_a_graph_asks(durable: Durable) -> None:
    model = Model()
    graph = asking(model)
    await durable.wrap(graph).ainvoke({"text": "a"}, durable.config("run"))

    done = await durable.aresume("run", graph, answer="yes")

    assert done["log"] == ["<a>", "yes", "<yes>"]
    assert model.calls == 2


def test_a_batch_takes_no_answer(durable: Durable) -> None:
    graph = durable.wrap(asking(Model()))
    graph.batch([{"text": "a"}, {"text": "b"}], durable.config("run"))

    with pytest.raises(ConfigurationError, match="is no batch"):
        durable.resume("run", graph, answer="yes")


def test_a_node_sees_no_thread_where_there_is_none(durable: Durable) -> None:
    seen: list[Any] = []

    def look(state: State, config: RunnableConfig) -> State:
        seen.append("thread_id" in config["configurable"])
        return {"text": ""}

    graph = StateGraph(State)
    graph.add_node("look", look)
    graph.add_edge(START, "look")
    durable.wrap(graph.compile()).invoke({"text": "a"}, durable.config("run"))
    assert seen == [False]


def test_a_typed_result_is_stored(durable: Durable) -> None:
    model = Model()
    graph = durable.wrap(asking(model))
    config = durable.config("run")
    asked = graph.invoke({"text": "a"}, config, version="v2")
    done = graph.invoke(Command(resume="yes"), config, version="v2")

    assert asked.interrupts[0].value == {"question": "<a>"}
    assert durable.get("run").result == done
    assert graph.invoke({"text": "a"}, config, version="v2") == done
