"""Running a program again from its journal: what is answered, and what stops it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, TypedDict

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import ToolException, tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, RunNotFound, StepError
from langchain_durable.cli.offline import Rerun, placeholder_keys, rerun
from langchain_durable.ids import new
from tests.fakes import Model

calls: list[str] = []


@pytest.fixture
def durable() -> Iterator[Durable]:
    calls.clear()
    with Durable(f"memory://{new()}", prices=False) as handle:
        yield handle


@tool
def weigh(item: str) -> str:
    """Weigh an item."""
    calls.append("weigh")
    return f"{item}: 250 g"


@tool
def lift(item: str) -> str:
    """Lift an item."""
    calls.append("lift")
    raise ToolException("too heavy")


@tool
async def ship(item: str) -> str:
    """Ship an item."""
    calls.append("ship")
    return f"{item} shipped"


class Parcel(TypedDict):
    sent: str


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        calls.append("shelf")
        return [Document(f"{query} is on shelf 4")]


def made(durable: Durable, function: Any, given: Any = "coffee") -> Any:
    """Run a function durably as ``run-1``; its result."""
    program = durable.wrap(RunnableLambda(function), name="shop")
    result = program.invoke(given, durable.config("run-1"))
    calls.clear()
    return result


def again(durable: Durable, function: Any) -> Rerun:
    done = rerun(durable, "run-1", RunnableLambda(function))
    assert calls == []
    return done


def test_models_retrievers_and_tools_are_answered(durable: Durable) -> None:
    model, shelf = Model(), Shelf()

    def serve(item: str) -> str:
        found = shelf.invoke(item)[0].page_content
        return str(model.invoke(weigh.invoke(item) + found).content)

    result = made(durable, serve)
    done = again(durable, serve)

    assert done.result == result
    assert model.calls == 1
    assert [(step.kind, step.name) for step in done.steps] == [
        ("retriever", "Shelf"),
        ("tool", "weigh"),
        ("model", "Model"),
    ]


def test_a_run_of_an_event_loop_runs_on_one_again(durable: Durable) -> None:
    async def serve(item: str) -> str:
        return str(await ship.ainvoke(item))

    program = durable.wrap(RunnableLambda(serve), name="shop")
    asyncio.run(program.ainvoke("tea", durable.config("run-1")))
    calls.clear()

    assert again(durable, serve).result == "tea shipped"


def test_a_batch_is_a_batch_again(durable: Durable) -> None:
    program = durable.wrap(RunnableLambda(weigh.invoke), name="shop")
    program.batch(["tea", "milk"], durable.config("run-1"))
    calls.clear()

    assert again(durable, weigh.invoke).result == ["tea: 250 g", "milk: 250 g"]


def test_an_error_that_the_program_handled_comes_again(durable: Durable) -> None:
    def serve(item: str) -> str:
        try:
            return str(lift.invoke(item))
        except ToolException:
            return str(weigh.invoke(item))

    made(durable, serve)
    done = again(durable, serve)

    assert (done.result, done.error) == ("coffee: 250 g", None)
    assert done.steps[0].error is not None
    assert done.steps[0].error.message == "too heavy"


def test_the_error_that_ended_the_run_ends_it_again(durable: Durable) -> None:
    with pytest.raises(ToolException):
        made(durable, lift.invoke)
    calls.clear()

    done = again(durable, lift.invoke)

    assert isinstance(done.error, ToolException)
    assert str(done.error) == "too heavy"


def test_another_input_is_answered_and_told(durable: Durable) -> None:
    made(durable, lambda item: weigh.invoke(item))

    done = again(durable, lambda item: weigh.invoke(item + "!"))

    assert done.result == "coffee: 250 g"
    assert [step.drift for step in done.steps] == [True]


def test_a_program_that_takes_the_refusal_for_an_answer_is_stopped_all_the_same(
    durable: Durable,
) -> None:
    def careless(item: str) -> str:
        try:
            return str(lift.invoke(item))
        except Exception:
            return "never mind"

    made(durable, weigh.invoke)

    with pytest.raises(StepError, match="the tool 'lift' that the run never made"):
        again(durable, careless)
    with pytest.raises(StepError, match="'lift'"):
        again(durable, lambda item: careless(item) + weigh.invoke(item))


def test_an_encrypted_run_is_read_with_the_key_of_its_handle() -> None:
    with Durable(f"memory://{new()}", encryption_key=bytes(16)) as sealed:
        made(sealed, weigh.invoke)

        assert again(sealed, weigh.invoke).result == "coffee: 250 g"


def test_nothing_is_traced(durable: Durable, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    made(durable, weigh.invoke)
    assert exporter.get_finished_spans() != ()
    exporter.clear()

    again(durable, weigh.invoke)

    assert exporter.get_finished_spans() == ()
    provider.shutdown()


def test_a_block_has_no_input_to_run_again(durable: Durable) -> None:
    with durable.run("run-1"):
        weigh.invoke("tea")

    with pytest.raises(RunNotFound, match="its input is not in the journal"):
        rerun(durable, "run-1", RunnableLambda(weigh.invoke))


def test_keys_are_there_only_while_the_program_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("MISTRAL_API_KEY", "mine")

    with placeholder_keys():
        assert os.environ["OPENAI_API_KEY"]
        assert os.environ["MISTRAL_API_KEY"] == "mine"
    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["MISTRAL_API_KEY"] == "mine"


def test_the_steps_behind_an_interrupt_are_counted(durable: Durable) -> None:
    def ask(state: Parcel) -> Parcel:
        weigh.invoke("coffee")
        sent = interrupt("Send it?")
        return {"sent": str(weigh.invoke(sent)) + str(weigh.invoke("tea"))}

    graph: Any = StateGraph(Parcel).add_node("ask", ask).add_edge(START, "ask").compile()
    program = durable.wrap(graph, name="parcel")
    program.invoke({"sent": ""}, durable.config("run-1"))
    paused = rerun(durable, "run-1", graph)
    durable.resume("run-1", graph, answer="yes")
    done = rerun(durable, "run-1", graph)

    assert (paused.unreached, paused.paused) == (0, True)
    assert (done.unreached, done.paused) == (2, False)
    assert [step.name for step in done.steps] == ["weigh"]
