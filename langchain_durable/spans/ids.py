"""Ids of spans, as the W3C writes them, and as OpenTelemetry has them."""

from __future__ import annotations

from opentelemetry.trace import SpanContext, TraceFlags


def span_context(trace: str, span_id: str, *, sampled: bool = True) -> SpanContext | None:
    """The context of a span of ours; None for ids that are none."""
    try:
        context = SpanContext(
            trace_id=int(trace, 16),
            span_id=int(span_id, 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT),
        )
    except ValueError:
        return None
    return context if context.is_valid else None
