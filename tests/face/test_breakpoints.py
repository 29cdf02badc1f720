"""Static breakpoints: a node that a person has not let go on does not run."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from langchain_durable import Durable, DurableCallbackHandler, RunStatus
from tests.fakes import Failing, Model


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def paying(model: Model, *, own: bool = False, **options: Any) -> Any:
    """Plans, and pays when a person has seen the plan."""

    def step(name: str) -> Any:
        return lambda _: {"log": [str(model.invoke(name).content)]}

    graph = StateGraph(State)
    graph.add_node("plan", step("plan"))
    graph.add_node("pay", step("pay"))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "pay")
    at = options or {"interrupt_before": ["pay"]}
    return graph.compile(checkpointer=InMemorySaver() if own else None, **at)


both = pytest.mark.parametrize("own", [False, True], ids=["ours", "own"])


@both
@pytest.mark.parametrize("at", [{"interrupt_before": ["pay"]}, {"interrupt_after": ["plan"]}])
def test_the_same_input_gives_the_pause_again(
    durable: Durable, own: bool, at: dict[str, Any]
) -> None:
    model = Model()
    graph = durable.wrap(paying(model, own=own, **at))
    config = durable.config("run", thread_id="t")

    for _ in range(3):
        assert graph.invoke({"log": ["in"]}, config) == {"log": ["in", "<plan>"]}
        assert durable.get("run").status is RunStatus.PAUSED
    assert durable.resume("run", graph) == {"log": ["in", "<plan>"]}
    assert model.calls == 1

    assert graph.invoke(None, config) == {"log": ["in", "<plan>", "<pay>"]}
    assert durable.get("run").status is RunStatus.COMPLETED
    assert graph.invoke({"log": ["in"]}, config) == {"log": ["in", "<plan>", "<pay>"]}
    assert model.calls == 2


@both
async def test_async_callers_get_the_pause_again(durable: Durable, own: bool) -> None:
    model = Model()
    graph = durable.wrap(paying(model, own=own))
    config = durable.config("run", thread_id="t")

    for _ in range(2):
        assert await graph.ainvoke({"log": []}, config) == {"log": ["<plan>"]}
    assert await graph.ainvoke(None, config) == {"log": ["<plan>", "<pay>"]}
    assert model.calls == 2


@both
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"stream_mode": "updates"}, [{"__interrupt__": ()}]),
        ({"stream_mode": "values"}, [{"log": ["<plan>"]}]),
        (
            {"stream_mode": ["values", "updates"]},
            [("values", {"log": ["<plan>"]}), ("updates", {"__interrupt__": ()})],
        ),
        ({"stream_mode": "updates", "subgraphs": True}, [((), {"__interrupt__": ()})]),
        ({"stream_mode": "messages"}, []),
    ],
)
def test_a_stream_ends_with_the_pause_as_the_first_one_did(
    durable: Durable, own: bool, options: dict[str, Any], told: list[Any]
) -> None:
    graph = durable.wrap(paying(Model(), own=own))
    config = durable.config("run", thread_id="t")
    first = list(graph.stream({"log": []}, config, **options))

    again = list(graph.stream({"log": []}, config, **options))

    assert again == told
    assert options["stream_mode"] == "messages" or first[-1] == told[-1]
    assert durable.get("run").status is RunStatus.PAUSED


def test_a_stream_of_typed_parts_ends_as_the_first_one_did(durable: Durable) -> None:
    graph = durable.wrap(paying(Model()))
    options: Any = {"stream_mode": ["values", "updates"], "version": "v2"}

    first = list(graph.stream({"log": []}, durable.config("run"), **options))
    again = list(graph.stream({"log": []}, durable.config("run"), **options))

    assert sorted(map(str, again)) == sorted(map(str, first[-2:]))


@both
def test_a_node_that_was_let_go_on_and_died_goes_on_by_the_same_input(
    durable: Durable, own: bool
) -> None:
    fail = [True]

    def answer(messages: Any) -> str:
        if messages[-1].content == "pay" and fail:
            raise Failing(fail.pop())
        return f"<{messages[-1].content}>"

    graph = durable.wrap(paying(Model(answer=answer), own=own))
    config = durable.config("run", thread_id="t")
    graph.invoke({"log": []}, config)
    with pytest.raises(Failing):
        graph.invoke(None, config)

    assert graph.invoke({"log": []}, config) == {"log": ["<plan>", "<pay>"]}


def test_every_breakpoint_is_stood_at(durable: Durable) -> None:
    graph = durable.wrap(paying(Model(), interrupt_before="*"))
    config = durable.config("run")

    assert graph.invoke({"log": ["in"]}, config) == {"log": ["in"]}
    for _ in range(2):
        assert graph.invoke({"log": ["in"]}, config) == {"log": ["in"]}
    assert graph.invoke(None, config) == {"log": ["in", "<plan>"]}
    for _ in range(2):
        assert graph.invoke({"log": ["in"]}, config) == {"log": ["in", "<plan>"]}
    assert graph.invoke(None, config) == {"log": ["in", "<plan>", "<pay>"]}


def test_a_breakpoint_that_only_the_first_call_named_holds(durable: Durable) -> None:
    model = Model()
    graph = durable.wrap(paying(model, interrupt_before=[]), name="payer")
    graph.invoke({"log": []}, durable.config("run"), interrupt_before=["pay"])

    assert durable.resume("run") == {"log": ["<plan>"]}
    assert graph.invoke(None, durable.config("run")) == {"log": ["<plan>", "<pay>"]}


def test_a_call_in_a_block_stops_at_its_breakpoint_in_every_attempt(durable: Durable) -> None:
    model = Model()
    graph = paying(model, own=True)
    config: Any = {"configurable": {"thread_id": "t"}}

    def attempt(*, fail: bool) -> list[Any]:
        with durable.run("run"):
            said = [graph.invoke({"log": []}, config)]
            if fail:
                raise Failing
            said.append(graph.invoke(None, config))
        return said

    with pytest.raises(Failing):
        attempt(fail=True)

    assert attempt(fail=False) == [{"log": ["<plan>"]}, {"log": ["<plan>", "<pay>"]}]
    assert model.calls == 2
    assert durable.get("run").status is RunStatus.COMPLETED


def test_a_call_with_a_handler_stops_at_its_breakpoint_again(durable: Durable) -> None:
    model = Model()
    graph = paying(model, own=True)

    def attempt(asked: Any) -> Any:
        handler = DurableCallbackHandler(durable, run_id="run")
        return graph.invoke(asked, {"callbacks": [handler], "configurable": {"thread_id": "t"}})

    assert attempt({"log": []}) == {"log": ["<plan>"]}
    assert durable.get("run").status is RunStatus.PAUSED
    assert attempt({"log": []}) == {"log": ["<plan>"]}
    assert model.calls == 1


@both
def test_a_person_may_change_the_state_at_a_breakpoint(durable: Durable, own: bool) -> None:
    graph = durable.wrap(paying(Model(), own=own))
    config = durable.config("run", thread_id="t")
    graph.invoke({"log": []}, config)

    graph.update_state(config, {"log": ["changed"]})

    assert graph.get_state(config).values == {"log": ["<plan>", "changed"]}
    assert graph.invoke({"log": []}, config) == {"log": ["<plan>", "changed"]}
    assert graph.invoke(None, config) == {"log": ["<plan>", "changed", "<pay>"]}
