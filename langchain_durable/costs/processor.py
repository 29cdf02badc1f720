"""Puts what a call costs on its span, before any exporter sees it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanContext, SpanKind

from langchain_durable.arguments import check, check_function
from langchain_durable.costs.accounted import is_accounted
from langchain_durable.costs.cost_attributes import cost_attributes
from langchain_durable.costs.endings import ending_class, endings_hold
from langchain_durable.costs.once import Once
from langchain_durable.costs.pricing import Pricing, Settled
from langchain_durable.costs.span_call import Role, SpanCall, is_priced, role_of

once = Once(logging.getLogger(__name__))

Observer = Callable[[ReadableSpan, Settled], None]

_NEVER_CALLS = (SpanKind.SERVER, SpanKind.PRODUCER, SpanKind.CONSUMER)
_DEEPEST = 16


class CostSpanProcessor(SpanProcessor):
    """Prices the spans of model calls and embeddings, of all instrumentors.

    Add it to a provider before or after its exporters: the cost is set when a span is about to
    end. Set are ``gen_ai.usage.cost.amount`` (USD), ``.currency``, ``.source`` and
    ``langchain_durable.cost.book``; a call whose price is not known gets none of them. Spans
    of agents, workflows and tools are not priced, nor are those that have a cost, nor those
    inside a span of a model call: that one is the same call, seen by a framework's
    instrumentor and by the provider's. Another instrumentor's spans of LangChain's calls are not
    priced in durable runs, whose own spans are. ``pricing`` None: by the ``genai-prices`` package.

    ``observe`` hears of each span that was to be priced, still open, and what came of it.
    Nothing that fails here reaches the program: the first failure is logged as a warning.
    """

    def __init__(self, pricing: Pricing | None = None, *, observe: Observer | None = None) -> None:
        check(
            pricing is None or isinstance(pricing, Pricing),
            "pricing",
            pricing,
            expected="a Pricing, or None",
            do="write CostSpanProcessor(Pricing(book))",
        )
        check_function("observe", observe, do="give a function of a span and of what came of it")
        self._pricing = pricing or Pricing()
        self._observe = observe
        self._classes: dict[type[Span], type[Span]] = {}
        self._accounted: WeakSet[Span] = WeakSet()
        self._alive: WeakValueDictionary[tuple[int, int], Span] = WeakValueDictionary()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        try:
            if span.is_recording() and span.kind not in _NEVER_CALLS:
                self._watch(span)
        except Exception:
            once.warn("start", "Spans of this kind cannot be priced: %s.", type(span).__name__)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Hold nothing back. Said in words: SDKs before 1.42 take silence for a failure, and
        do not flush the exporters behind it."""
        return True

    def _watch(self, span: Span) -> None:
        base = type(span)
        ending = self._classes.get(base)
        if ending is None:
            ending = self._classes[base] = self._class_for(span)
        if ending is not base:
            span.__class__ = ending
        with contextlib.suppress(TypeError):  # of a class that allows no weak references
            self._alive[_key(span.get_span_context())] = span
            scope = getattr(span, "instrumentation_scope", None)  # not all classes have one
            if scope is not None and is_accounted(scope.name):
                self._accounted.add(span)

    def _class_for(self, span: Span) -> type[Span]:
        """The class that such spans get; their own where that is not possible."""
        base = type(span)
        if not endings_hold():
            once.warn("probe", "With this OpenTelemetry SDK, spans are not priced.")
            return base
        ending = ending_class(base, self._before_end)
        try:
            span.__class__ = ending
        except TypeError:
            once.warn("class", "Spans of class %s cannot be priced.", base.__name__)
            return base
        self._classes[ending] = ending  # it is not wrapped again
        return ending

    def _before_end(self, span: Span) -> None:
        try:
            if span.is_recording():
                self._price(span)
        except Exception:
            once.warn("price", "A span could not be priced.", exc_info=True)

    def _price(self, span: Span) -> None:
        attributes = _attributes(span)
        if role_of(attributes) is not Role.INFERENCE:
            return
        if is_priced(attributes) or span in self._accounted or self._is_inside_a_call(span):
            return
        call = SpanCall.of(attributes)
        settled = self._pricing.settle(
            tokens=call.tokens,
            provider=call.provider,
            model=call.model,
            response_model=call.response_model,
            at=datetime.fromtimestamp((span.start_time or 0) / 1e9, UTC),
        )
        if settled.price is not None:
            span.set_attributes(cost_attributes(settled.price, estimated=settled.estimated))
        if self._observe is not None:
            self._observe(span, settled)

    def _is_inside_a_call(self, span: Span) -> bool:
        above = span.parent
        for _ in range(_DEEPEST):
            parent = self._alive.get(_key(above)) if above is not None else None
            if parent is None:
                return False
            role = role_of(_attributes(parent))
            if role is not Role.OTHER:
                return role is Role.INFERENCE
            above = parent.parent
        return False


def _attributes(span: Span) -> Mapping[str, Any]:
    """A plain copy: a look at the SDK's own mapping costs ten times as much as one at a dict."""
    attributes: Any = span.attributes or {}
    return attributes.copy() if hasattr(attributes, "copy") else dict(attributes)


def _key(context: SpanContext | None) -> tuple[int, int]:
    return (context.trace_id, context.span_id) if context is not None else (0, 0)
