"""The spans of agents: live as they are in the journal."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.types import Command
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, DurableCallbackHandler, semconv
from langchain_durable.events import AttemptStarted, StepStarted
from langchain_durable.ids import new
from langchain_durable.spans.left import ABOVE
from tests.fakes import Model, calls
from tests.metrics.reading import metrics_of
from tests.tracing.asking import agent


class Holding(SpanProcessor):
    """Holds up whoever opens a span of this name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.held, self.release = Event(), Event()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if span.name == self._name:
            self.held.set()
            assert self.release.wait(30)


class Watched:
    """A handle on a journal in memory, and what it tells."""

    def __init__(self) -> None:
        self.live, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.provider = provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.live))
        self.durable = Durable(
            f"memory://{new()}",
            tracer_provider=provider,
            meter_provider=MeterProvider([self.reader], shutdown_on_exit=False),
        )

    def agents(self) -> list[ReadableSpan]:
        return _agents(self.live)

    def agents_of_the_journal(self) -> list[ReadableSpan]:
        again = InMemorySpanExporter()
        self.durable.export("run", again)
        return _agents(again)


def _agents(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    spans = exporter.get_finished_spans()
    return [span for span in spans if span.name.startswith("invoke_agent")]


def test_an_agent_that_asks_is_interrupted_and_completed_with_the_answer() -> None:
    watched = Watched()
    with watched.durable as durable:
        program: Any = durable.wrap(agent(""))
        program.invoke({"messages": [("user", "order it")]}, durable.config("run"))
        program.invoke(Command(resume="yes"), durable.config("run"))
        for spans in (watched.agents(), watched.agents_of_the_journal()):
            outcomes = [(span.attributes or {})[semconv.OUTCOME] for span in spans]
            assert outcomes == ["interrupted", "completed"]


def test_a_failed_agents_long_message_is_cut_alike() -> None:
    @tool
    def approve(what: str) -> str:
        """Fail at length."""
        raise ValueError("x" * 3000)

    watched = Watched()
    model = Model(answer=lambda messages: calls(("approve", {"what": "it"})))
    with watched.durable as durable:
        program: Any = durable.wrap(create_agent(model, [approve], name="clerk"))
        with pytest.raises(ValueError, match="x"):
            program.invoke({"messages": [("user", "order it")]}, durable.config("run"))
        [live], [again] = watched.agents(), watched.agents_of_the_journal()
    assert live.status.description == again.status.description == "x" * 500


def test_an_agents_duration_leads_to_its_span() -> None:
    watched = Watched()
    with watched.durable as durable:
        program: Any = durable.wrap(agent(""))
        program.invoke({"messages": [("user", "order it")]}, durable.config("run"))
    points: Any = metrics_of(watched.reader)["gen_ai.invoke_agent.duration"].data.data_points
    [span] = watched.agents()
    assert [each.span_id for each in points[0].exemplars] == [span.context and span.context.span_id]


def test_an_agent_that_a_handler_follows_begins_within_its_attempt() -> None:
    watched = Watched()
    with watched.durable as durable:
        handler = DurableCallbackHandler(durable, run_id="run")
        program: Any = create_agent(Model(), [], name="clerk")
        program.invoke({"messages": [("user", "hello")]}, {"callbacks": [handler]})
        (live,), (again,) = watched.agents(), watched.agents_of_the_journal()
    spans = watched.live.get_finished_spans()
    (attempt,) = [span for span in spans if span.name == "durable_attempt"]
    assert live.start_time == again.start_time
    assert attempt.start_time is not None
    assert live.start_time is not None
    assert attempt.start_time <= live.start_time


def test_a_step_is_not_in_the_journal_before_the_agent_that_it_stands_under() -> None:
    watched, holding = Watched(), Holding("chat slow")
    watched.provider.add_span_processor(holding)
    fast = Model(model="fast", answer=lambda messages: "there")

    def second(text: str) -> str:
        assert holding.held.wait(30)
        said = fast.invoke(text).text
        holding.release.set()
        return said

    both = RunnableParallel(first=Model(model="slow"), second=RunnableLambda(second))
    with watched.durable as durable:
        durable.wrap(both).invoke("a", durable.config("run"))
        events = [entry.event for entry in durable.events("run")]
    known = {event.span_id for event in events if isinstance(event, AttemptStarted)}
    starts = [event for event in events if isinstance(event, StepStarted)]
    assert [start.attributes["span"]["m"] for start in starts] == ["fast", "slow"]
    for start in starts:
        known |= {agent[0] for agent in start.attributes.get(ABOVE, ())}
        assert start.parent_span_id in known
