"""The convention's event of a model call, for apps that keep what calls say in their logs."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from opentelemetry._logs import Logger, LoggerProvider, get_logger
from opentelemetry.context import get_current
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, set_span_in_context

from langchain_durable import semconv
from langchain_durable.installation import own_version
from langchain_durable.spans.content import Content

_logger = logging.getLogger(__name__)


class InferenceEvents:
    """Emits ``gen_ai.client.inference.operation.details`` for each model call that has ended.

    Through the app's logger provider: ``logger_provider``, or the global one, which may be
    configured later. ``content`` is there if events are to have it. Not imported where no
    events are wanted.
    """

    def __init__(self, content: Content, logger_provider: LoggerProvider | None = None) -> None:
        self.content = content if content.on_events else None
        self._log: Logger | None = None
        if "event_name" in inspect.signature(Logger.emit).parameters:
            self._log = get_logger(semconv.SCOPE, own_version(), logger_provider)
        else:
            _logger.warning(
                "Events of model calls are not emitted. Expected: opentelemetry-api >= 1.38. Do: "
                "upgrade it and the SDK, or unset %s and %s.",
                semconv.EMIT_EVENT_VARIABLE,
                semconv.CAPTURE_CONTENT_VARIABLE,
            )

    def emit(self, attributes: dict[str, Any], span: Span | SpanContext | None, time: int) -> None:
        """Emit the event of a call that ended at ``time`` (ns), in the context of its span."""
        if self._log is None:
            return
        if isinstance(span, SpanContext):
            span = NonRecordingSpan(span)
        context = get_current() if span is None else set_span_in_context(span)
        self._log.emit(
            timestamp=time,
            context=context,
            attributes=attributes,
            event_name=semconv.INFERENCE_DETAILS,
        )
