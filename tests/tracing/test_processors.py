"""The app's span processors: each span of ours starts and ends before them, as any other does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import get_current_span

from langchain_durable import Durable
from langchain_durable.errors import ConfigurationError
from langchain_durable.tracing import guard
from tests.fakes import Model, calls

OURS = {"invoke_agent clerk", "durable_attempt", "durable_run clerk"}


class Marking(SpanProcessor):
    """Pairs the starts of spans with their ends, and marks them with whose they are."""

    def __init__(self) -> None:
        self.open: dict[int, Span] = {}
        self.parents: dict[int, int] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = span.get_span_context()
        self.open[context.span_id] = span
        self.parents[context.span_id] = get_current_span(parent_context).get_span_context().span_id
        span.set_attribute("tenant", str(baggage.get_baggage("tenant", parent_context)))

    def on_end(self, span: ReadableSpan) -> None:
        del self.open[span.context.span_id]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True  # SDKs before 1.42 take silence for a failure


class Refusing(SpanProcessor):
    """Fails at spans of one name."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.name == "durable_attempt":
            raise RuntimeError("not this one")


class Traced:
    """A provider with processors of the app's and an exporter behind them."""

    def __init__(self, *processors: SpanProcessor, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        for processor in (*processors, SimpleSpanProcessor(self.exporter)):
            self.provider.add_span_processor(processor)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def tenants(self) -> dict[str, object]:
        return {name: (span.attributes or {})["tenant"] for name, span in self.spans.items()}


@pytest.fixture
def marking() -> Marking:
    return Marking()


@pytest.fixture
def traced(marking: Marking) -> Traced:
    return Traced(marking)


@contextmanager
def called_by(tenant: str) -> Iterator[None]:
    token = attach(baggage.set_baggage("tenant", tenant))
    try:
        yield
    finally:
        detach(token)


def clerk() -> Any:
    def answer(messages: Any) -> Any:
        done = any(isinstance(message, ToolMessage) for message in messages)
        return "done" if done else calls(("look_up", {"order": "A"}))

    @tool
    def look_up(order: str) -> str:
        """Look an order up."""
        return f"{order} is there"

    return create_agent(Model(answer=answer), [look_up], name="clerk")


QUESTION = {"messages": [{"role": "user", "content": "where?"}]}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "block"])
async def test_every_span_of_a_run_starts_in_the_callers_context(
    way: str, traced: Traced, marking: Marking
) -> None:
    with Durable(f"memory://marks-{way}", tracer_provider=traced.provider) as durable:
        agent, config = durable.wrap(clerk()), durable.config("run")
        with called_by("acme"):
            if way == "ainvoke":
                await agent.ainvoke(QUESTION, config)
            elif way == "block":
                with durable.run("run"):
                    clerk().invoke(QUESTION)
            else:
                list(getattr(agent, way)(QUESTION, config))
    root = "durable_run run" if way == "block" else "durable_run clerk"
    assert set(traced.tenants()) >= {"invoke_agent clerk", "durable_attempt", root, "chat fake"}
    assert set(traced.tenants().values()) == {"acme"}
    assert marking.open == {}
    for span in traced.exporter.get_finished_spans():
        above = span.parent.span_id if span.parent is not None else 0
        assert marking.parents[span.context.span_id] == above


def test_calls_that_are_only_observed_start_so_too(traced: Traced, marking: Marking) -> None:
    from langchain_durable.instrumenting.observing import observe, unobserve
    from langchain_durable.tracing import Telemetry

    observe(Telemetry(tracer_provider=traced.provider))
    try:
        with called_by("acme"):
            clerk().invoke(QUESTION)
    finally:
        unobserve()
    assert "invoke_agent clerk" in traced.spans
    assert set(traced.tenants().values()) == {"acme"}
    assert marking.open == {}


def test_what_a_crash_left_open_starts_in_the_context_of_who_goes_on(
    traced: Traced, marking: Marking
) -> None:
    crashed = Durable("memory://marks-crash", tracer_provider=traced.provider, lease=0.5)
    run = crashed.run("run")
    with called_by("acme"):
        run.__enter__()
        run._deactivate()  # the process dies here: nothing ends the attempt
        runtime = crashed.connector.connect()
        runtime.keeper.stop()
        with (
            Durable("memory://marks-crash", tracer_provider=traced.provider) as durable,
            durable.run("run"),
        ):
            pass
    runtime.free(run._opened())  # else it is active in this process for ever
    names = [span.name for span in traced.exporter.get_finished_spans()]
    assert names == ["durable_attempt", "durable_attempt", "durable_run run"]
    assert set(traced.tenants().values()) == {"acme"}
    assert marking.open == {}


def test_an_export_starts_spans_in_nobodys_context(traced: Traced, marking: Marking) -> None:
    with Durable("memory://marks-export", tracer_provider=traced.provider) as durable:
        durable.wrap(clerk()).invoke(QUESTION, durable.config("run"))
        live = told(traced)
        traced.exporter.clear()
        with called_by("admin"):
            durable.export("run", traced.provider)
    assert set(traced.tenants().values()) == {"None"}
    assert marking.open == {}
    assert told(traced) == live


def told(traced: Traced) -> dict[int, Any]:
    """All that the spans say, by their ids."""
    spans = traced.exporter.get_finished_spans()
    return {span.context.span_id: json.loads(span.to_json()) for span in spans}


def test_a_processor_that_fails_at_one_span_does_not_cost_the_others() -> None:
    traced = Traced(Refusing())
    guard.once.said.clear()
    with Durable("memory://marks-refused", tracer_provider=traced.provider) as durable:
        durable.wrap(clerk()).invoke(QUESTION, durable.config("run"))
    guard.once.said.clear()
    assert OURS - set(traced.spans) == {"durable_attempt"}


def test_the_apps_limits_hold_for_all_spans() -> None:
    traced = Traced(span_limits=SpanLimits(max_span_attributes=2))
    with Durable("memory://marks-limits", tracer_provider=traced.provider) as durable:
        durable.wrap(clerk()).invoke(QUESTION, durable.config("run"))
    assert set(traced.spans) >= OURS
    assert {len(span.attributes or {}) for span in traced.spans.values()} == {2}


def test_a_provider_that_is_switched_off_takes_no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    with Durable("memory://marks-off") as durable:
        durable.wrap(clerk()).invoke(QUESTION, durable.config("run"))
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        with pytest.raises(ConfigurationError, match="OTEL_SDK_DISABLED"):
            durable.export("run", Traced().provider)
