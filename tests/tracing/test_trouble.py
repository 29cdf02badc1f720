"""Telemetry that fails: the run goes on, says so once, and its journal is whole."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)

from langchain_durable import Durable, DurableCallbackHandler
from langchain_durable.events import RunStatus, StepEnded
from langchain_durable.tracing import guard
from tests.fakes import Model
from tests.metrics.reading import metrics_of


class Broken(SpanProcessor):
    """A processor that raises, at the start or at the end of a span."""

    def __init__(self, where: str) -> None:
        self._where = where

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self._where == "start":
            raise RuntimeError("broken at the start")

    def on_end(self, span: ReadableSpan) -> None:
        if self._where == "end":
            raise RuntimeError("broken at the end")


class NoRuns(Sampler):
    """Samples every trace but those of runs."""

    def should_sample(
        self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any
    ) -> SamplingResult:
        is_run = name.startswith("durable_run")
        return SamplingResult(Decision.DROP if is_run else Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "no runs"


@pytest.fixture(autouse=True)
def _warn_anew() -> Iterator[None]:
    guard.once.said.clear()
    yield
    guard.once.said.clear()


def answering(model: Model) -> Any:
    return RunnableLambda(lambda text: model.invoke(model.invoke(text).content).content)


@pytest.mark.parametrize("where", ["start", "end"])
def test_a_broken_processor_costs_one_warning(where: str, caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider()
    provider.add_span_processor(Broken(where))
    with Durable("memory://broken", tracer_provider=provider) as durable:
        wrapped = durable.wrap(answering(Model()))
        with caplog.at_level(logging.WARNING):
            assert wrapped.invoke("a", durable.config(f"run-{where}")) == "<<a>>"
        assert durable.get(f"run-{where}").step == 2
    warned = [record for record in caplog.records if "The program goes on" in record.message]
    assert 1 <= len(warned) <= 3
    assert len({record.message for record in warned}) == len(warned)


def test_a_price_book_that_raises_leaves_calls_unpriced() -> None:
    def book(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no prices today")

    model = Model(
        answer=lambda messages: AIMessage(
            "hi", usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
        )
    )
    with Durable("memory://prices", prices=book) as durable:
        assert durable.wrap(model).invoke("a", durable.config("run")).content == "hi"
        (ended,) = [e.event for e in durable.events("run") if isinstance(e.event, StepEnded)]
        assert ended.attributes["unpriced"] == "book_failed"
        assert "cost" not in ended.attributes


def test_an_error_that_says_what_no_utf8_can_costs_an_exporter_nothing() -> None:
    """A model's broken text, half of an emoji, stands in the error of the tool that got it."""

    @tool
    def look_up(city: str) -> str:
        """Look a city up."""
        raise ValueError(f"there is no {city}")

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Durable("memory://broken-text", tracer_provider=provider) as durable:
        with pytest.raises(ValueError, match="there is no Oslo"):
            durable.wrap(look_up).invoke({"city": "Oslo \ud83d"}, durable.config("run"))
        sent = encode_spans(exporter.get_finished_spans())
        exporter.clear()
        durable.export("run", exporter)
        again = encode_spans(exporter.get_finished_spans())
    for request in (sent, again):
        (spans,) = (each for found in request.resource_spans for each in found.scope_spans)
        assert {span.status.message for span in spans.spans} == {"there is no Oslo \\ud83d"}


def test_a_run_that_is_not_sampled_is_journaled_all_the_same() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Durable("memory://unsampled", tracer_provider=provider) as durable:
        wrapped = durable.wrap(answering(Model()))
        assert wrapped.invoke("a", durable.config("run")) == "<<a>>"

        assert exporter.get_finished_spans() == ()
        assert durable.get("run").step == 2
        assert durable.export("run", exporter) == 5


def test_nothing_that_a_program_does_in_a_run_is_exported_if_the_run_is_not_sampled() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(NoRuns()))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("program")

    @tool
    def search() -> str:
        """Search."""
        with tracer.start_as_current_span("database"):
            return "found"

    with Durable("memory://no-runs", tracer_provider=provider) as durable:
        with durable.run("run"), tracer.start_as_current_span("between"):
            search.invoke({})
        search.invoke({}, {"callbacks": [DurableCallbackHandler(durable, run_id="run-2")]})
    assert exporter.get_finished_spans() == ()


class Stuck(SpanProcessor):
    """A processor whose exporter does not answer before it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.let_go.wait(60)


async def test_a_question_does_not_wait_for_an_exporter_that_is_stuck() -> None:
    provider, stuck = TracerProvider(), Stuck()
    provider.add_span_processor(stuck)

    def ask(state: MessagesState) -> MessagesState:
        return {"messages": [Model().invoke("a"), interrupt("may I?")]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    async with Durable("memory://stuck", tracer_provider=provider, lease=0.5) as durable:
        program: Any = durable.wrap(graph.compile())
        for run_id in ("first", "second"):
            out = await program.ainvoke({"messages": []}, durable.config(run_id))
            assert out["__interrupt__"]
            assert durable.get(run_id).status is RunStatus.PAUSED
    assert not stuck.let_go.is_set()
    stuck.let_go.set()


def test_a_clock_that_is_set_back_gives_no_negative_times() -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    now = count(time.time_ns(), -(10**9))
    meters = MeterProvider([reader])
    with Durable("memory://back", tracer_provider=provider, meter_provider=meters) as durable:
        settings = replace(durable.connector.settings, clock=lambda: next(now))
        durable.connector.settings = settings
        wrapped = durable.wrap(answering(Model()))
        assert wrapped.invoke("a", durable.config("run")) == "<<a>>"
        assert [step.duration for step in durable.get("run").steps] == [0, 0]
    spans = exporter.get_finished_spans()
    assert len(spans) == 5  # the run, its attempt, a chain, and two calls of a model
    assert all((span.end_time or 0) >= (span.start_time or 0) for span in spans)
    name = "gen_ai.client.operation.duration"
    (point,) = metrics_of(reader)[name].data.data_points
    assert isinstance(point, HistogramDataPoint)
    assert (point.count, point.sum) == (2, 0)
