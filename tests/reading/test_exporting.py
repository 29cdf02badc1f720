"""Sending a run's spans again, from its journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider, SpanContext, TraceFlags

from langchain_durable import Durable
from langchain_durable.errors import ConfigurationError, ExportFailed, RunNotFound
from langchain_durable.events import RunStatus
from langchain_durable.ids import new
from langchain_durable.reading.exporting import (
    batches,
    export,
    spans_of,
    weight_of,
)
from tests.cli.collector import grpc_collector
from tests.cli.priced import ROOT, TRACE, chat, tool, write_run

LIMIT = 4 * 2**20


@pytest.fixture
def handle() -> Iterator[Durable]:
    """A journal with one run: killed in its tool, resumed, completed."""
    durable = Durable(f"memory://{new()}")
    with durable:
        calls = [chat("gpt-4o", "Hello.", (10, 2))]
        killed = [*calls, tool("weigh", {"item": "tea"}, outcome=None)]
        write_run(durable.connector.connect().store, "run-1", [killed, calls])
        yield durable


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


RUN = ["durable_run shop", "durable_attempt", "chat gpt-4o", "execute_tool weigh"]
RUN += ["durable_attempt", "chat gpt-4o"]


def test_an_exporter_gets_the_whole_run_as_one_trace(handle: Durable) -> None:
    exporter = InMemorySpanExporter()

    assert handle.export("run-1", exporter) == 6

    spans = exporter.get_finished_spans()
    assert names(spans) == RUN
    assert {format(span.context.trace_id, "032x") for span in spans if span.context} == {TRACE}
    known = {span.context.span_id for span in spans if span.context}
    assert [span.parent and span.parent.span_id in known for span in spans] == [None] + [True] * 5
    assert spans[0].context is not None
    assert spans[0].context.span_id == int(ROOT, 16)


async def test_an_event_loop_exports_the_same(handle: Durable) -> None:
    exporter = InMemorySpanExporter()

    assert await handle.aexport("run-1", exporter) == 6
    assert names(exporter.get_finished_spans()) == RUN


def test_a_provider_gives_its_resource_and_all_its_processors_get_the_spans(
    handle: Durable,
) -> None:
    simple, batched = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(simple))
    provider.add_span_processor(BatchSpanProcessor(batched))

    handle.export("run-1", provider)

    assert names(simple.get_finished_spans()) == RUN
    assert len(batched.get_finished_spans()) == 6
    (span, *_) = simple.get_finished_spans()
    assert span.resource.attributes["service.name"] == "shop"
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "langchain_durable"
    provider.shutdown()


def test_a_long_run_does_not_overflow_the_queue_of_a_batch_processor() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=512))

    export([span_of(10) for _ in range(1200)], provider)

    assert len(exporter.get_finished_spans()) == 1200
    provider.shutdown()


def test_an_attempt_at_work_keeps_what_it_has_open(handle: Durable) -> None:
    store = handle.connector.connect().store
    write_run(store, "paused", [[chat("gpt-4o", "Hm.")]], RunStatus.PAUSED)
    header, entries = handle.header("paused"), handle.events("paused")
    unfinished = [entry for entry in entries if entry.seq <= 2]

    assert names(spans_of(unfinished, header, alive=1)) == []
    crashed = spans_of(unfinished, header)
    assert [span.status.is_ok for span in crashed] == [False, False]


def test_without_a_provider_the_resource_is_that_of_the_environment(
    handle: Durable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "till")

    (span, *_) = spans_of(handle.events("run-1"), handle.header("run-1"))

    assert span.resource.attributes["service.name"] == "till"


def test_without_a_named_service_it_is_the_one_that_made_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    shop = TracerProvider(resource=Resource({"service.name": "shop"}))
    exporter = InMemorySpanExporter()
    with Durable(f"memory://{new()}", tracer_provider=shop) as durable:
        with durable.run("run-1"):
            durable.step(str, 1)
        durable.export("run-1", exporter)
    named = {span.resource.attributes["service.name"] for span in exporter.get_finished_spans()}
    assert named == {"shop"}


def test_batches_fit_into_a_message_of_a_collector() -> None:
    spans = [span_of(size) for size in (10, 1_000_000, 3_000_000, 10, 5_000_000, 10)]
    spans += [span_of(100) for _ in range(600)]

    made = list(batches(spans))

    assert [span for batch in made for span in batch] == spans
    assert [len(batch) for batch in made] == [2, 2, 1, 512, 89]
    sizes = [encode_spans(batch).ByteSize() for batch in made]
    assert [size < LIMIT for size in sizes] == [True, True, False, True, True]


def test_a_large_run_arrives_at_a_collector_that_takes_4_mib() -> None:
    with grpc_collector() as collector:
        exporter = OTLPSpanExporter(endpoint=collector.url)
        export([span_of(100_000) for _ in range(60)], exporter)
        exporter.shutdown()

    assert len(collector.spans) == 60
    assert [size < LIMIT for size in collector.sizes] == [True, True]


@pytest.mark.parametrize("value", ["ü" * 1000, list(range(1000)), ["a"] * 1000, True, 1.5])
def test_a_spans_weight_is_never_less_than_its_bytes(value: Any) -> None:
    light, heavy = span_of(0), span_of(0, value)

    assert weight_of(heavy) >= encode_spans([heavy]).ByteSize() - _overhead(light)
    assert weight_of(heavy) < 30 * encode_spans([heavy]).ByteSize()


def test_an_exporter_that_fails_or_raises_is_an_error_that_says_how_far_it_got() -> None:
    for failing in (Failing(after=1), Failing(after=1, error=OSError("no route"))):
        with pytest.raises(ExportFailed) as caught:
            export([span_of(10) for _ in range(600)], failing)
        assert caught.value.what == "512 of 600 spans were sent."
        assert "journal" in caught.value.do
    assert "no route" in caught.value.came


def test_who_takes_no_spans_is_told_from_who_does(handle: Durable) -> None:
    with pytest.raises(ConfigurationError, match="NoOpTracerProvider"):
        handle.export("run-1", NoOpTracerProvider())


def test_an_unknown_run_is_an_error(handle: Durable) -> None:
    with pytest.raises(RunNotFound):
        handle.export("nobody", InMemorySpanExporter())


class Failing(SpanExporter):
    """Takes so many batches, and then fails."""

    def __init__(self, after: int, error: Exception | None = None) -> None:
        self._left = after
        self._error = error

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._left -= 1
        if self._left >= 0:
            return SpanExportResult.SUCCESS
        if self._error is not None:
            raise self._error
        return SpanExportResult.FAILURE


def span_of(size: int, value: Any = None) -> ReadableSpan:
    return ReadableSpan(
        name="chat",
        context=SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1)),
        attributes={"said": "x" * size if value is None else value},
        start_time=1,
        end_time=2,
    )


def _overhead(span: ReadableSpan) -> int:
    """What a request has beside its spans."""
    one, two = (int(encode_spans([span] * count).ByteSize()) for count in (1, 2))
    return 2 * one - two
