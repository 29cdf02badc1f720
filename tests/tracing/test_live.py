"""Live spans of calls that are only observed: the same as the official instrumentor's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_genai_semconv import GenAISpanComplianceError, assert_genai_span_compliant

from langchain_durable import semconv
from langchain_durable.instrumenting.observing import observe, unobserve
from langchain_durable.intercept.active import hook
from langchain_durable.spans.content import Capture, Content
from langchain_durable.testing.openai_server import ScriptedOpenAI
from langchain_durable.tracing import Telemetry
from tests.spans.official.programs import EXAMPLES, Example
from tests.spans.official.written import written
from tests.spans.test_official import expected, split


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def model_server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI([]) as server:
        yield server


def _violations(span: ReadableSpan) -> list[str]:
    """What a judge from outside says against a span. Providers that are not among the well-known
    ones, such as a vector store, have names of their own; the conventions allow it."""
    if semconv.OPERATION_NAME not in (span.attributes or {}):
        return []
    try:
        assert_genai_span_compliant(span)
    except GenAISpanComplianceError as error:
        own = "gen_ai.provider.name has invalid value"
        return [violation for violation in error.violations if not violation.startswith(own)]
    return []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_live_spans_are_those_of_the_official_instrumentor(
    example: Example,
    model_server: ScriptedOpenAI,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
) -> None:
    model_server.add(*example.rules)
    content = Content(Capture(example.capture or "NO_CONTENT"))
    raises: Any = pytest.raises(example.raises) if example.raises else contextlib.nullcontext()
    observe(Telemetry(tracer_provider=provider, content=content if content.enabled else None))
    try:
        with raises:
            example.call(model_server.url, {"metadata": dict(example.metadata)})
        observer = hook.observer
    finally:
        unobserve()
    told = json.loads(json.dumps(written(exporter.get_finished_spans())))
    ours, _ = split(told)
    assert ours == expected(example)
    assert observer is not None
    assert observer._scopes == {}, "a call that has ended is remembered"
    assert [*chain.from_iterable(map(_violations, exporter.get_finished_spans()))] == []
