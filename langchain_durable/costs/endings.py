"""Something to do just before a span ends, while it still takes attributes.

The SDK's own hooks come too late: ``on_end`` and ``_on_ending`` see a span that is closed
(opentelemetry-python#5614), and an exporter that was registered first has seen it before. So
a span is given a class of its own, derived from the one it has, whose ``end`` calls us first.
Nothing refers to the span for it, and a bound ``end`` that somebody keeps works as before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import new_class

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

BeforeEnd = Callable[[Span], None]

_PROBE = "langchain_durable.probe"


def ending_class(base: type[Span], before_end: BeforeEnd) -> type[Span]:
    """A class like ``base`` that calls ``before_end(span)`` at the start of each ``end``.

    Assign it to a span's ``__class__``; ``TypeError`` says that the span does not allow it.
    """

    def end(self: Span, end_time: int | None = None) -> None:
        try:
            before_end(self)
        finally:
            base.end(self, end_time)

    body = {
        "__slots__": (),
        "__module__": base.__module__,
        "__qualname__": base.__qualname__,
        "__doc__": base.__doc__,
        "end": end,
    }
    return new_class(base.__name__, (base,), exec_body=lambda namespace: namespace.update(body))


@cache
def endings_hold() -> bool:
    """Whether an attribute set so is on the span that processors see, with this SDK.

    Tried once a process, on a provider of its own that exports nothing.
    """
    probe = _Probe()
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.get_empty(), shutdown_on_exit=False
    )
    provider.add_span_processor(probe)
    try:
        provider.get_tracer(_PROBE).start_span(_PROBE).end()
    except Exception:
        return False
    return probe.seen


class _Probe(SpanProcessor):
    seen = False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        span.__class__ = ending_class(type(span), lambda ending: ending.set_attribute(_PROBE, 1))

    def on_end(self, span: ReadableSpan) -> None:
        self.seen = (span.attributes or {}).get(_PROBE) == 1
