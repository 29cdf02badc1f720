"""A run that had failed and is called again: each of its openings has one root span."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable
from tests.fakes import Model

_Span = tuple[str, int, int, Any, Any, bool]


def _told(spans: tuple[ReadableSpan, ...]) -> set[_Span]:
    return {
        (
            span.name,
            span.context.span_id if span.context else 0,
            span.parent.span_id if span.parent else 0,
            span.start_time,
            span.end_time,
            span.status.is_ok,
        )
        for span in spans
    }


def test_each_opening_has_one_root_and_the_journal_gives_the_same() -> None:
    live, again = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(live))
    broken = True

    def work(text: str) -> str:
        said = Model().invoke(text).text
        if broken:
            raise ValueError("no such city")
        return Model().invoke(said).text

    with Durable("memory://reopened", tracer_provider=provider) as durable:
        wrapped = durable.wrap(RunnableLambda(work))
        for _ in range(2):
            with pytest.raises(ValueError, match="no such city"):
                wrapped.invoke("a", durable.config("run"))
        broken = False
        assert wrapped.invoke("a", durable.config("run")) == "<<a>>"
        durable.export("run", again)

    spans = live.get_finished_spans()
    roots = [span for span in spans if span.name.startswith("durable_run")]
    assert [root.status.is_ok for root in roots] == [False, False, True]
    ids = [span.context.span_id for span in spans if span.context]
    assert len(ids) == len({*ids}), "no two spans have one id"
    assert len({span.context.trace_id for span in spans if span.context}) == 1
    attempts = [span for span in spans if span.name == "durable_attempt"]
    assert [span.parent for span in attempts] == [root.context for root in roots]
    assert [span.start_time for span in attempts] == [root.start_time for root in roots]
    assert _told(again.get_finished_spans()) == _told(spans)
