"""How runs end, and how they are opened again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.errors import GraphDrained
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import RunControl

from langchain_durable import Durable, RunCancelled, RunStatus
from tests.fakes import Failing, Model


def raising(model: Model, exc: BaseException) -> Any:
    raised = [exc]

    def program(text: str) -> Any:
        answer = model.invoke(text)
        if raised:
            raise raised.pop()
        return model.invoke(f"{answer.content}!").content

    return RunnableLambda(program)


def test_an_exception_that_leaves_the_root_fails_the_run(durable: Durable) -> None:
    wrapped = durable.wrap(raising(Model(), Failing("oh")))
    with pytest.raises(Failing):
        wrapped.invoke("a", durable.config("run"))

    run = durable.get("run")
    assert run.status is RunStatus.FAILED
    assert run.reason == "Failing"


def test_a_failed_run_is_reopened_by_the_same_call(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(raising(model, Failing("oh")))
    with pytest.raises(Failing):
        wrapped.invoke("a", durable.config("run"))

    assert wrapped.invoke("a", durable.config("run")) == "<<a>!>"
    assert model.calls == 2
    assert durable.get("run").status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("exc", "reason"), [(KeyboardInterrupt(), "keyboard interrupt"), (SystemExit(3), "exit")]
)
def test_an_interruption_pauses_the_run(durable: Durable, exc: BaseException, reason: str) -> None:
    wrapped = durable.wrap(raising(Model(), exc))
    with pytest.raises(type(exc)):
        wrapped.invoke("a", durable.config("run"))

    run = durable.get("run")
    assert (run.status, run.reason) == (RunStatus.PAUSED, reason)


@pytest.mark.parametrize("kind", ["graph", "subgraph", "tool"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_graph_that_is_drained_pauses_the_run(
    make_durable: Any, kind: str, streamed: bool
) -> None:
    model, control = Model(), RunControl()

    def first(state: MessagesState) -> Any:
        answer = model.invoke("one")
        control.request_drain("SIGTERM")
        return {"messages": [answer]}

    def second(state: MessagesState) -> Any:
        return {"messages": [model.invoke("two")]}

    def made(node: Any) -> Any:
        return StateGraph(MessagesState).add_node("node", node).add_edge(START, "node").compile()

    steps: Any = StateGraph(MessagesState).add_sequence([first, second]).add_edge(START, "first")
    inner = steps.compile()

    @tool
    def call() -> Any:
        """Call the graph."""
        return inner.invoke({"messages": []})

    graph = {"graph": inner, "subgraph": made(inner), "tool": made(lambda _: call.invoke({}))}[kind]
    given = {"messages": [HumanMessage("q", id="q")]}
    durable = make_durable()
    drained = durable.wrap(graph)
    with pytest.raises(GraphDrained):
        if streamed:
            list(drained.stream(given, durable.config("run"), control=control))
        else:
            drained.invoke(given, durable.config("run"), control=control)

    run = durable.get("run")
    assert (run.status, run.reason) == (RunStatus.PAUSED, "drained")
    control = RunControl()
    durable = make_durable()
    resumed = durable.wrap(graph).invoke(given, durable.config("run"))
    assert resumed["messages"][-1].text == "<two>"
    assert model.calls == 2
    assert durable.get("run").status is RunStatus.COMPLETED


async def test_a_cancelled_task_pauses_the_run_and_its_step(make_durable: Any) -> None:
    durable = make_durable()
    begun = asyncio.Event()

    class Slow(Model):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()

    wrapped = durable.wrap(Slow() | RunnableLambda(lambda m: m.content))
    task = asyncio.create_task(wrapped.ainvoke("a", durable.config("run")))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    run = await durable.aget("run")
    assert (run.status, run.reason) == (RunStatus.PAUSED, "task cancelled")
    assert run.steps[0].outcome == "cancelled"


def test_an_abandoned_stream_pauses_the_run(durable: Durable) -> None:
    wrapped = durable.wrap(Model() | RunnableLambda(lambda m: m.content))
    stream = wrapped.stream("a", durable.config("run"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator

    run = durable.get("run")
    assert (run.status, run.reason) == (RunStatus.PAUSED, "stream abandoned")


def test_a_recorded_error_is_replayed_if_the_program_went_on(durable: Durable) -> None:
    tries: list[str] = []

    def answer(messages: Any) -> str:
        tries.append(messages[-1].content)
        if messages[-1].content == "bad":
            raise ValueError("no such thing")
        return "good"

    model = Model(answer=answer)
    broken = [Failing("later")]

    def program(_: Any) -> Any:
        try:
            model.invoke("bad")
        except ValueError as exc:
            said = str(exc)
        found = model.invoke("fine").content
        if broken:
            raise broken.pop()
        return f"{said}, {found}"

    wrapped = durable.wrap(RunnableLambda(program))
    with pytest.raises(Failing):
        wrapped.invoke("a", durable.config("run"))

    assert wrapped.invoke("a", durable.config("run")) == "no such thing, good"
    assert tries == ["bad", "fine"]


def test_the_error_that_failed_the_run_is_not_replayed(durable: Durable) -> None:
    broken = [True]

    def answer(messages: Any) -> str:
        if broken:
            raise ValueError(broken.pop())
        return "good"

    model = Model(answer=answer)
    wrapped = durable.wrap(model | RunnableLambda(lambda m: m.content))
    with pytest.raises(ValueError, match="True"):
        wrapped.invoke("a", durable.config("run"))

    assert wrapped.invoke("a", durable.config("run")) == "good"


def test_a_cancelled_run_stops_at_its_next_step_and_reopens(durable: Durable) -> None:
    model = Model()
    cancelling = [True]

    def program(text: str) -> Any:
        first = model.invoke(text).content
        if cancelling:
            cancelling.pop()
            durable.cancel("run")
        return model.invoke(first).content

    wrapped = durable.wrap(RunnableLambda(program))
    with pytest.raises(RunCancelled):
        wrapped.invoke("a", durable.config("run"))
    assert durable.get("run").status is RunStatus.CANCELLED

    assert wrapped.invoke("a", durable.config("run")) == "<<a>>"
    assert model.calls == 2


def test_a_cancel_that_the_program_swallows_is_no_result(durable: Durable) -> None:
    model = Model()

    def program(text: str) -> Any:
        model.invoke(text)
        durable.cancel("run")
        try:
            return model.invoke("more").content
        except RunCancelled as exc:
            return f"sorry: {exc}"

    wrapped = durable.wrap(RunnableLambda(program))
    with pytest.raises(RunCancelled):
        wrapped.invoke("a", durable.config("run"))
    assert durable.get("run").status is RunStatus.CANCELLED
    assert model.calls == 1


def test_a_run_that_nobody_runs_is_cancelled_at_once(durable: Durable) -> None:
    wrapped = durable.wrap(raising(Model(), KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        wrapped.invoke("a", durable.config("run"))

    assert durable.cancel("run").status is RunStatus.CANCELLED


async def test_a_call_that_outlives_its_failed_run_ends_quietly(durable: Durable) -> None:
    let_go, ended = asyncio.Event(), asyncio.Event()

    class Late(Model):
        async def _agenerate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
            if messages[-1].content == "fails":
                raise Failing
            await let_go.wait()
            ended.set()
            return self._generate(messages)

    model = Late()

    async def program(_: Any) -> Any:
        return await asyncio.gather(model.ainvoke("late"), model.ainvoke("fails"))

    with pytest.raises(Failing):
        await durable.wrap(RunnableLambda(program)).ainvoke("a", durable.config("run"))
    let_go.set()
    await ended.wait()

    assert durable.get("run").status is RunStatus.FAILED
