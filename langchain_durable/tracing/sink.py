"""The program's tracer provider: where our spans are opened, and finished ones are handed to."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    SpanContext,
    set_span_in_context,
)

from langchain_durable import semconv
from langchain_durable.installation import own_version
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.guard import harmless, nothing, warn


@dataclass(frozen=True, slots=True)
class ReservedIds(IdGenerator):
    """The ids of one span, which were given out before it is made."""

    context: SpanContext

    def generate_span_id(self) -> int:
        return self.context.span_id

    def generate_trace_id(self) -> int:
        return self.context.trace_id


class Sink:
    """One SDK provider. Its sampler, processors, limits and resource are the app's."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.resource = provider.resource
        version = own_version()
        self.scope = InstrumentationScope(semconv.SCOPE, version)
        self._tracer = provider.get_tracer(semconv.SCOPE, version)
        self._flushing = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether spans are made at all; not where the provider was made switched off."""
        return isinstance(self._tracer, Tracer)

    def is_sampled(self, trace_id: int, start: Start, parent: Context) -> bool:
        """What the app's sampler says of a whole run, or outermost call, under a parent, if the
        context has one; asked once, when it is new."""
        result = self.provider.sampler.should_sample(
            parent, trace_id, start.name, start.kind, start.attributes, ()
        )
        return bool(result.decision.is_sampled())  # type: ignore[no-untyped-call]  # the SDK's

    def open(
        self, start: Start, parent: SpanContext | None, *, time: int, more: Attributes
    ) -> trace.Span | None:
        """Start a span of the SDK under a parent, or else under the current span.

        None if the SDK is switched off. One that is not sampled records nothing, and says so to
        those that are opened under it.
        """
        if not self.is_on:
            return None
        context = get_current()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(parent), context)
        return self._tracer.start_span(
            start.name, context, start.kind, {**start.attributes, **more}, start_time=time
        )

    def flush(self, seconds: float) -> bool:
        """Have the app's processors export what they have; False if that takes longer.

        In a thread of its own: a processor waits for its exporter however long that takes. While
        it waits, nobody else does.
        """
        if not self._flushing.acquire(blocking=False):
            return False
        done: list[bool] = []

        def flush() -> None:
            try:
                done.append(self.provider.force_flush(int(seconds * 1000)))
            except Exception:
                warn("flush")
            finally:
                self._flushing.release()

        thread = threading.Thread(target=flush, name="langchain-durable-flush", daemon=True)
        thread.start()
        thread.join(seconds)
        return done == [True]

    def emit(self, spans: Iterable[ReadableSpan], context: Context) -> None:
        """Have the app's processors see spans that are over already.

        Each is guarded on its own: one at which a processor fails does not take others with it.
        """
        for span in spans:
            self._emit(span, context)

    @harmless(nothing)
    def _emit(self, span: ReadableSpan, context: Context) -> None:
        self.play(span, context)

    def play(self, span: ReadableSpan, context: Context) -> None:
        """Start and end a span of the SDK that says what ``span`` says, its ids included.

        So processors see it start, and may add to it, as they see any other; ``context`` is what
        they find in it besides its parent. Nothing is played if the SDK is switched off.
        """
        if not isinstance(self._tracer, Tracer):
            return
        # A copy: the SDK has one tracer for all who ask for this scope.
        tracer = copy(self._tracer)
        tracer.id_generator = ReservedIds(span.context)
        tracer.sampler = ALWAYS_ON  # the app's has decided, when the run was new
        parent = INVALID_SPAN if span.parent is None else NonRecordingSpan(span.parent)
        played = tracer.start_span(
            span.name,
            set_span_in_context(parent, context),
            span.kind,
            span.attributes,
            span.links,
            span.start_time,
        )
        played.set_status(span.status)
        played.end(span.end_time)
