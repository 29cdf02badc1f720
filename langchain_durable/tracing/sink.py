"""The program's tracer provider: where our spans are opened, and finished ones are handed to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, set_span_in_context

from langchain_durable import semconv
from langchain_durable.installation import own_version
from langchain_durable.spans.start import Attributes, Start

logger = logging.getLogger(__name__)

_COMPLAINT = (
    "This release of the OpenTelemetry SDK has no TracerProvider._active_span_processor: the "
    "spans of runs, attempts and agents cannot be exported, only those of their steps."
)


class Sink:
    """One SDK provider. Its sampler, processors, limits and resource are the app's."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.resource = provider.resource
        version = own_version()
        self.scope = InstrumentationScope(semconv.SCOPE, version)
        self._tracer = provider.get_tracer(semconv.SCOPE, version)
        self._complained = False

    def is_sampled(self, trace_id: int, start: Start, links: Sequence[Link]) -> bool:
        """What the app's sampler says of a whole run; asked once, when the run is new."""
        result = self.provider.sampler.should_sample(
            None, trace_id, start.name, start.kind, start.attributes, links
        )
        return bool(result.decision.is_sampled())  # type: ignore[no-untyped-call]

    def open(
        self, start: Start, parent: SpanContext | None, *, time: int, more: Attributes
    ) -> Span | None:
        """Start a span of the SDK under a parent, or else under the current span.

        None if the SDK is switched off, or the span is not sampled.
        """
        context = get_current()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(parent), context)
        span = self._tracer.start_span(
            start.name, context, start.kind, {**start.attributes, **more}, start_time=time
        )
        return span if isinstance(span, Span) else None

    def emit(self, spans: Iterable[ReadableSpan]) -> None:
        """Hand finished spans, whose ids were reserved long ago, to the app's processors."""
        processor: Any = getattr(self.provider, "_active_span_processor", None)
        if processor is None:
            if not self._complained:
                self._complained = True
                logger.warning(_COMPLAINT)
            return
        for span in spans:
            processor.on_end(span)
