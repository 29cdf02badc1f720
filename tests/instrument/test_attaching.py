"""The processor that the instrumentor adds to a provider which others export from."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import CostSpanProcessor
from langchain_durable.instrumenting.attaching import attach


def test_an_exporter_behind_it_is_flushed() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    attach(provider, CostSpanProcessor())
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
    provider.get_tracer("test").start_span("span").end()
    assert provider.force_flush()
    assert [span.name for span in exporter.get_finished_spans()] == ["span"]
    provider.shutdown()
