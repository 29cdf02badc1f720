"""Making a span the current one around code that may be abandoned half-way."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, set_span_in_context

from langchain_durable.tracing.inner_calls import within_a_model_call

NOTHING: AbstractContextManager[Any] = nullcontext()


class Current:
    """Makes a span current, and what was current before on exit.

    ``model``: it is that of a model call, and its provider's SDK is to make no second one.

    Not with ``detach``: a generator that is closed by another task, or by the garbage
    collector, ends in a context that is not the one it began in, and ``detach`` logs an error.
    """

    __slots__ = ("_before", "_context", "_model", "_span")

    def __init__(self, span: SpanContext | Span, *, model: bool = False) -> None:
        self._span = NonRecordingSpan(span) if isinstance(span, SpanContext) else span
        self._before: Context | None = None
        self._model = model

    def __enter__(self) -> None:
        before = get_current()
        if before is not self._before:  # else entered for the next chunk of a stream
            self._before = before
            self._context = set_span_in_context(self._span, before)
            if self._model:
                self._context = within_a_model_call(self._context)
        attach(self._context)

    def __exit__(self, *exc: object) -> None:
        if self._before is not None and get_current() is self._context:
            attach(self._before)
