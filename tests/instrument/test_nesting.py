"""Spans that a program's own code begins in an agent or a chain, where calls are only observed."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import before_model
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from langchain_durable import Durable
from langchain_durable.ids import new
from langchain_durable.instrumentor import DurableInstrumentor
from langchain_durable.intercept.active import hook
from tests.fakes import Model, calls

ASKED = {"messages": [("user", "x")]}


class Traced:
    """A program's own tracer, and the tree of what is exported: ``below/its parent``."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self._tracer = self.provider.get_tracer("program")

    def span(self, name: str) -> Any:
        return self._tracer.start_as_current_span(name)

    def tree(self) -> list[str]:
        spans = self.exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans if span.context}
        traces = {span.context.trace_id for span in spans if span.context}
        assert len(traces) <= 1
        return sorted(
            f"{span.name} < {names[span.parent.span_id]}" if span.parent else span.name
            for span in spans
        )


@pytest.fixture
def traced(instrumentor: DurableInstrumentor) -> Traced:
    made = Traced()
    instrumentor.instrument(tracer_provider=made.provider)
    return made


def graph(*nodes: Callable[..., Any]) -> Any:
    builder = StateGraph(MessagesState)
    for node in nodes:
        builder.add_node(node.__name__, node)
        builder.add_edge(START, node.__name__)
    return builder.compile(name="clerk")


@pytest.fixture
def clerk(traced: Traced) -> Any:
    """A graph whose node begins a span before it calls a model, and in its own way."""

    def work(state: Any) -> Any:
        with traced.span("database"):
            pass
        return {"messages": [Model().invoke("a")]}

    return graph(work)


@pytest.fixture
def async_clerk(traced: Traced) -> Any:
    async def work(state: Any) -> Any:
        with traced.span("database"):
            await asyncio.sleep(0)
        return {"messages": [await Model().ainvoke("a")]}

    return graph(work)


WORKED = ["chat fake < invoke_workflow clerk", "database < invoke_workflow clerk"]


def test_a_nodes_own_span_stands_below_its_graphs(traced: Traced, clerk: Any) -> None:
    clerk.invoke(ASKED)
    assert traced.tree() == [*WORKED, "invoke_workflow clerk"]


def test_what_a_streams_reader_begins_stands_beside_it(traced: Traced, clerk: Any) -> None:
    with traced.span("request"):
        for _ in clerk.stream(ASKED):
            with traced.span("between"):
                pass
    assert traced.tree() == [
        "between < request",
        *WORKED,
        "invoke_workflow clerk < request",
        "request",
    ]


def test_an_async_stream_that_another_task_closes_leaves_nothing_behind(
    traced: Traced, async_clerk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        with traced.span("request"):
            stream = async_clerk.astream(ASKED)
            await anext(stream)
            await asyncio.create_task(stream.aclose())
            with traced.span("after"):
                pass

    with caplog.at_level(logging.WARNING):
        asyncio.run(work())
        gc.collect()
    assert {"after < request", *WORKED} <= {*traced.tree()}
    assert caplog.records == []


def test_nodes_at_once_and_two_graphs_at_once_have_their_own(
    traced: Traced, async_clerk: Any
) -> None:
    def left(state: Any) -> Any:
        with traced.span("left"):
            return {}

    def right(state: Any) -> Any:
        with traced.span("right"):
            return {}

    async def both() -> None:
        with traced.span("request"):
            await asyncio.gather(graph(left, right).ainvoke(ASKED), async_clerk.ainvoke(ASKED))

    asyncio.run(both())
    told = traced.tree()
    assert {"left < invoke_workflow clerk", "right < invoke_workflow clerk", *WORKED} <= {*told}
    assert told.count("invoke_workflow clerk < request") == 2


def test_middleware_a_chains_functions_and_a_tools_stand_where_they_belong(
    traced: Traced,
) -> None:
    @before_model
    def check(state: Any, runtime: Any) -> None:
        with traced.span("hook"):
            pass

    def look(text: str) -> str:
        with traced.span("table"):
            return text

    @tool
    def look_up(order: str) -> str:
        """Look an order up."""
        with traced.span("database"):
            return str(RunnableLambda(look).invoke(order))

    def answer(messages: Any) -> Any:
        return "done" if len(messages) > 1 else calls(("look_up", {"order": "A"}))

    agent: Any = create_agent(Model(answer=answer), [look_up], name="clerk", middleware=[check])
    (RunnableLambda(look) | (lambda text: {"messages": [("user", text)]}) | agent).invoke("x")
    assert traced.tree() == [
        "chat fake < invoke_agent clerk",
        "chat fake < invoke_agent clerk",
        "database < execute_tool look_up",
        "execute_tool look_up < invoke_agent clerk",
        "hook < invoke_agent clerk",
        "hook < invoke_agent clerk",
        "invoke_agent clerk < invoke_workflow RunnableSequence",
        "invoke_workflow RunnableSequence",
        "table < database",
        "table < invoke_workflow RunnableSequence",
    ]


def test_a_span_inside_the_programs_own_stands_below_that(traced: Traced) -> None:
    def inner(text: str) -> str:
        with traced.span("inner"):
            return text

    def outer(text: str) -> str:
        with traced.span("outer"):
            return str(RunnableParallel(a=RunnableLambda(inner)).invoke(text))

    RunnableLambda(outer).invoke("x")
    assert traced.tree() == [
        "inner < outer",
        "invoke_workflow outer",
        "outer < invoke_workflow outer",
    ]


def test_a_chain_in_which_nothing_is_begun_has_no_span(traced: Traced) -> None:
    (RunnableLambda(str) | RunnableLambda(len)).invoke("x")
    assert traced.tree() == []


def test_what_is_said_of_the_current_span_is_said_of_the_programs(traced: Traced) -> None:
    def say(text: str) -> str:
        span = trace.get_current_span()
        assert span.is_recording()
        span.set_attribute("tenant", "acme")
        span.add_event("said")
        span.record_exception(ValueError("odd"))
        return text

    with traced.span("request"):
        RunnableLambda(say).invoke("x")
    (request,) = traced.exporter.get_finished_spans()
    assert (request.attributes or {})["tenant"] == "acme"
    assert [event.name for event in request.events] == ["said", "exception"]


def test_a_thread_that_outlives_its_agent_opens_no_span_that_nobody_ends(
    traced: Traced,
) -> None:
    threads: list[Thread] = []

    def later() -> None:
        with traced.span("later"):
            pass

    def begin(text: str) -> str:
        threads.append(Thread(target=copy_context().run, args=(later,)))
        return text

    with traced.span("request"):
        RunnableLambda(begin).invoke("x")
        threads[0].start()
        threads[0].join()
    assert traced.tree() == ["later < request", "request"]
    observer = hook.observer
    assert observer is not None
    assert observer.attempt.trace._agents == {}


def test_a_run_inside_keeps_its_own_spans(traced: Traced) -> None:
    def work(text: str) -> str:
        with traced.span("database"):
            return Model().invoke(text).text

    with Durable("memory://", tracer_provider=traced.provider) as durable:
        durable.wrap(RunnableLambda(work)).invoke("a", durable.config(new()))
    assert "database < durable_attempt" in traced.tree()


def test_what_is_not_sampled_has_nothing_sampled_below(
    instrumentor: DurableInstrumentor,
) -> None:
    traced = Traced(sampler=ParentBased(ALWAYS_OFF))
    instrumentor.instrument(tracer_provider=traced.provider)

    def work(text: str) -> str:
        with traced.span("database"):
            return text

    RunnableLambda(work).invoke("x")
    assert traced.tree() == []


def test_nothing_is_nested_once_calls_are_not_observed(
    traced: Traced, clerk: Any, instrumentor: DurableInstrumentor
) -> None:
    instrumentor.uninstrument()
    clerk.invoke(ASKED)
    assert traced.tree() == ["database"]
