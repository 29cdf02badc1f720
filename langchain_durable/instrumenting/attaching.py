"""One pricing processor for each tracer provider."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor
from opentelemetry.trace import TracerProvider


class _Switched(SpanProcessor):
    """A processor that can be taken away again, which a provider does not allow."""

    def __init__(self, inner: SpanProcessor | None = None) -> None:
        self.inner = inner

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.inner is not None:
            self.inner.on_start(span, parent_context)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As ``CostSpanProcessor`` says it."""
        return True


_attached: WeakKeyDictionary[TracerProvider, _Switched] = WeakKeyDictionary()
_attaching = threading.Lock()


def attach(provider: TracerProvider, costs: SpanProcessor) -> None:
    """Have a provider's spans priced by ``costs``, in the place of one attached before.

    A provider that takes no processors, because it is not the SDK's, is left alone.
    """
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        return
    with _attaching:
        switched = _attached.get(provider)
        if switched is None:
            switched = _attached[provider] = _Switched()
            add(switched)
        switched.inner = costs


def detach(costs: SpanProcessor) -> None:
    """Price no more spans by ``costs``."""
    with _attaching:
        for switched in _attached.values():
            if switched.inner is costs:
                switched.inner = None
