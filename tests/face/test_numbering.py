"""LangGraph numbers what a node asks and calls. A replayed call takes its numbers again."""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Annotated, Any, TypedDict

import pytest
from langchain.tools import ToolRuntime
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt

from langchain_durable import Durable, RunStatus
from tests.fakes import Failing, Model


class State(TypedDict, total=False):
    text: str
    log: Annotated[list[str], operator.add]


SAVERS = pytest.mark.parametrize("own", [False, True], ids=["ours", "own"])

# Also without us: an idle worker that takes a task for which a thread was just started is counted
# twice, so a later task gets none (python/cpython#88354). LangGraph submits the writes of a saver
# just before the flow, and the flow waits for its own tasks.
HANGS_SELDOM = pytest.mark.skipif(
    sys.version_info >= (3, 12),
    reason="a flow with a saver may wait for ever for a thread of ThreadPoolExecutor",
)
SAVERS_OF_FLOWS = pytest.mark.parametrize(
    "own", [False, pytest.param(True, marks=HANGS_SELDOM)], ids=["ours", "own"]
)


def graph_of(*nodes: Any, own: bool = False) -> Any:
    """The nodes in a row."""
    graph = StateGraph(State)
    before = START
    for number, node in enumerate(nodes):
        graph.add_node(str(number), node)
        graph.add_edge(before, str(number))
        before = str(number)
    return graph.compile(checkpointer=InMemorySaver() if own else None)


def asked(state: Any) -> list[Any]:
    return [question.value for question in state.get("__interrupt__", ())]


@tool
def approve(what: str) -> str:
    """Ask a person."""
    return str(interrupt(what))


def approve_in_subgraph() -> BaseTool:
    inner = graph_of(lambda state: {"log": [str(interrupt(state["text"]))]})

    @tool
    def approve(what: str) -> str:
        """Ask a person, in a graph of its own."""
        return str(inner.invoke({"text": what})["log"][0])

    return approve


@tool
def refuse(what: str) -> str:
    """Ask a person, and take it for an error."""
    raise ToolException(f"{interrupt(what)}")


refuse.handle_tool_error = True


def in_a_step(durable: Durable) -> Callable[[str], str]:
    return lambda what: durable.step(lambda question: str(interrupt(question)), what)


HOW = ["tool", "subgraph", "error", "step"]


def asking(how: str, durable: Durable) -> Callable[[str], str]:
    """A way to ask a person, which is a step."""
    if how == "step":
        return in_a_step(durable)
    made = {"tool": approve, "subgraph": approve_in_subgraph(), "error": refuse}[how]
    return lambda what: str(made.invoke({"what": what}))


@SAVERS
@pytest.mark.parametrize("how", HOW)
def test_each_question_of_a_node_gets_its_own_answer(durable: Durable, how: str, own: bool) -> None:
    ask = asking(how, durable)
    made = graph_of(lambda state: {"log": [ask("one?"), ask("two?"), ask("three?")]}, own=own)
    graph, config = durable.wrap(made), durable.config("run", thread_id="t")

    seen = asked(graph.invoke({"text": "x"}, config))
    for answer in ("yes", "no", "well"):
        state = graph.invoke(Command(resume=answer), config)
        seen += asked(state)

    assert seen == ["one?", "two?", "three?"]
    assert state["log"] == ["yes", "no", "well"]


async def test_each_question_gets_its_own_answer_on_an_event_loop(durable: Durable) -> None:
    async def node(state: State) -> State:
        said = [await approve.ainvoke({"what": what}) for what in ("one?", "two?")]
        return {"log": said}

    graph, config = durable.wrap(graph_of(node)), durable.config("run")

    seen = asked(await graph.ainvoke({"text": "x"}, config))
    seen += asked(await graph.ainvoke(Command(resume="yes"), config))
    state = await graph.ainvoke(Command(resume="no"), config)

    assert (seen, state["log"]) == (["one?", "two?"], ["yes", "no"])


@SAVERS
@pytest.mark.parametrize("how", HOW)
def test_an_answer_that_was_given_before_a_crash_is_not_given_to_the_next_question(
    durable: Durable, how: str, own: bool
) -> None:
    ask, die = asking(how, durable), [True]

    def node(state: State) -> State:
        first = ask("one?")
        if die:
            raise Failing(die.pop())
        return {"log": [first, ask("two?")]}

    graph, config = durable.wrap(graph_of(node, own=own)), durable.config("run", thread_id="t")
    graph.invoke({"text": "x"}, config)
    with pytest.raises(Failing):
        graph.invoke(Command(resume="yes"), config)

    assert asked(graph.invoke(Command(resume="yes"), config)) == ["two?"]
    assert graph.invoke(Command(resume="no"), config)["log"] == ["yes", "no"]


@pytest.mark.parametrize("how", HOW)
def test_an_answer_is_not_given_to_the_next_nodes_question_either(
    durable: Durable, how: str
) -> None:
    ask, die = asking(how, durable), [True]

    def second(state: State) -> State:
        if die:
            raise Failing(die.pop())
        return {"log": [ask("two?")]}

    made = graph_of(lambda state: {"log": [ask("one?")]}, second)
    graph, config = durable.wrap(made), durable.config("run")
    graph.invoke({"text": "x"}, config)
    with pytest.raises(Failing):
        graph.invoke(Command(resume="yes"), config)

    assert asked(graph.invoke(Command(resume="yes"), config)) == ["two?"]
    assert graph.invoke(Command(resume="no"), config)["log"] == ["yes", "no"]


@pytest.mark.parametrize("how", HOW)
def test_a_crash_between_two_questions_is_resumed_by_the_first_input_too(
    durable: Durable, how: str
) -> None:
    ask, die = asking(how, durable), [True]

    def node(state: State) -> State:
        first = ask("one?")
        if die:
            raise Failing(die.pop())
        return {"log": [first, ask("two?")]}

    graph, config = durable.wrap(graph_of(node)), durable.config("run")
    graph.invoke({"text": "x"}, config)
    with pytest.raises(Failing):
        graph.invoke(Command(resume="yes"), config)

    assert asked(graph.invoke({"text": "x"}, config)) == ["two?"]
    assert graph.invoke(Command(resume="no"), config)["log"] == ["yes", "no"]
    assert durable.get("run").status is RunStatus.COMPLETED


# -- tasks and subgraphs ----------------------------------------------------------------------


def dying(die: list[bool]) -> None:
    if die:
        raise Failing(die.pop())


def subgraph_tools(model: Model) -> dict[str, tuple[Callable[[], str], Callable[[], str]]]:
    """Ways to call a graph in a tool and outside of it, by how it gets its config."""
    inner = graph_of(lambda state: {"log": [str(model.invoke(state["text"]).content)]})

    def run(text: str, config: RunnableConfig | None = None) -> str:
        return str(inner.invoke({"text": text}, config)["log"][0])

    @tool
    def plain() -> str:
        """Call it."""
        return run("inner")

    @tool
    def given(config: RunnableConfig) -> str:
        """Call it."""
        return run("inner", config)

    @tool
    def runtime(runtime: ToolRuntime[Any, Any]) -> str:
        """Call it."""
        return run("inner", runtime.config)

    def with_runtime() -> str:
        call = {"name": "runtime", "args": {}, "id": "call", "type": "tool_call"}
        said = ToolNode([runtime]).invoke([AIMessage("", tool_calls=[call])])
        return str(said[0].content)

    def outer() -> str:
        return run("outer")

    return {
        "plain": (lambda: str(plain.invoke({})), outer),
        "config": (lambda: str(given.invoke({})), outer),
        "runtime": (with_runtime, outer),
    }


@pytest.mark.parametrize("how", ["plain", "config", "runtime"])
def test_a_subgraph_does_not_get_the_result_of_one_that_a_replayed_tool_called(
    durable: Durable, how: str
) -> None:
    model, die = Model(), [True]
    in_tool, outside = subgraph_tools(model)[how]

    def node(state: State) -> State:
        first = in_tool()
        dying(die)
        return {"log": [first, outside()]}

    graph = durable.wrap(graph_of(node, own=True))
    config = durable.config("run", thread_id="t")
    with pytest.raises(Failing):
        graph.invoke({"text": "x"}, config)

    assert graph.invoke({"text": "x"}, config)["log"] == ["<inner>", "<outer>"]
    assert model.calls == 2


def task_tool(model: Model, *, fails: bool = False) -> tuple[BaseTool, Callable[[str], str]]:
    @task
    def one(text: str) -> str:
        return str(model.invoke(text).content)

    @tool
    def helper(text: str) -> str:
        """Call the task."""
        said = one(text).result()
        if fails:
            raise ToolException(said)
        return str(said)

    helper.handle_tool_error = True
    return helper, lambda text: str(one(text).result())


@SAVERS_OF_FLOWS
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "fails"])
def test_a_task_does_not_get_the_result_of_one_that_a_replayed_tool_called(
    durable: Durable, own: bool, fails: bool
) -> None:
    model, die = Model(), [True]
    helper, one = task_tool(model, fails=fails)

    @entrypoint(checkpointer=InMemorySaver() if own else None)
    def flow(text: str) -> list[str]:
        first = str(helper.invoke({"text": "inner"}))
        second = one("outer")
        dying(die)
        return [first, second]

    graph, config = durable.wrap(flow), durable.config("run", thread_id="t")
    with pytest.raises(Failing):
        graph.invoke("x", config)

    assert graph.invoke("x", config) == ["<inner>", "<outer>"]
    assert model.calls == 2


@SAVERS_OF_FLOWS
def test_a_recorded_functions_tasks_are_counted_too(durable: Durable, own: bool) -> None:
    model, die = Model(), [True]
    _, one = task_tool(model)

    @entrypoint(checkpointer=InMemorySaver() if own else None)
    def flow(text: str) -> list[str]:
        first = durable.step(one, "inner")
        second = one("outer")
        dying(die)
        return [first, second]

    graph, config = durable.wrap(flow), durable.config("run", thread_id="t")
    with pytest.raises(Failing):
        graph.invoke("x", config)

    assert graph.invoke("x", config) == ["<inner>", "<outer>"]
    assert model.calls == 2


@HANGS_SELDOM
def test_parallel_tools_do_not_take_each_others_numbers(durable: Durable) -> None:
    die, ran = [True], list[str]()
    both = threading.Barrier(2)

    @task
    def one(text: str) -> str:
        ran.append(text)
        return text

    @tool
    def helper(text: str) -> str:
        """Call the task while another tool does."""
        both.wait(5)
        said = one(text).result()
        both.wait(5)
        return str(said)

    @entrypoint(checkpointer=InMemorySaver())
    def flow(text: str) -> list[str]:
        with ThreadPoolExecutor(2) as threads:
            calls = [
                threads.submit(copy_context().run, helper.invoke, {"text": each}) for each in "ab"
            ]
            said = [str(call.result()) for call in calls]
        said.append(str(one("outer").result()))
        dying(die)
        return said

    graph, config = durable.wrap(flow), durable.config("run", thread_id="t")
    with pytest.raises(Failing):
        graph.invoke("x", config)

    assert graph.invoke("x", config) == ["a", "b", "outer"]
    assert sorted(ran) == ["a", "b", "outer"]


@HANGS_SELDOM
def test_a_tool_inside_of_a_tool_is_counted_for_both(durable: Durable) -> None:
    model, die, dies_inside = Model(), [True], [True]
    helper, one = task_tool(model)

    @tool
    def outer(text: str) -> str:
        """Call the other tool."""
        said = str(helper.invoke({"text": text}))
        dying(dies_inside)
        return said

    @entrypoint(checkpointer=InMemorySaver())
    def flow(text: str) -> list[str]:
        said = [str(outer.invoke({"text": "inner"})), one("outer")]
        dying(die)
        return said

    graph, config = durable.wrap(flow), durable.config("run", thread_id="t")
    for _ in range(2):
        with pytest.raises(Failing):
            graph.invoke("x", config)

    assert graph.invoke("x", config) == ["<inner>", "<outer>"]
    assert model.calls == 2


def test_a_tool_that_took_no_number_has_nothing_of_it_in_its_record(durable: Durable) -> None:
    @tool
    def look(what: str) -> str:
        """Look."""
        return f"saw {what}"

    graph = graph_of(lambda state: {"log": [str(look.invoke({"what": "x"}))]})
    durable.wrap(graph).invoke({"text": "x"}, durable.config("in-a-graph"))
    with durable.run("outside"):
        look.invoke({"what": "x"})

    inside, outside = (
        [len(entry.payload or b"") for entry in durable.events(run_id)][:3]
        for run_id in ("in-a-graph", "outside")
    )
    assert inside == outside
