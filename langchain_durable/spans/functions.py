"""Recorded functions (``durable.step``): spans that the conventions have no name for."""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.spans.start import Start


def function_started(name: str) -> Start:
    """What the span of a recorded function says when it starts."""
    return Start(semconv.span_name(semconv.FUNCTION_SPAN, name), SpanKind.INTERNAL)
