"""The spans of steps, while they run, and what their journal entries say of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanContext, StatusCode

from langchain_durable.events import StepEnded, StepKind, Usage
from langchain_durable.identity.tree import Scope
from langchain_durable.spans.compact import CALL_ID, SPAN, TOOL_CALL_ID, compact, compact_end
from langchain_durable.spans.functions import function_started
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.left import AGENT
from langchain_durable.spans.outcomes import step_ended
from langchain_durable.spans.priced import BOOK, told_cost
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.agent_spans import AgentSpans
from langchain_durable.tracing.current import NOTHING, Current
from langchain_durable.tracing.guard import harmless, nothing, warn
from langchain_durable.tracing.telemetry import Telemetry, priced
from langchain_durable.tracing.teller import Teller


class StepSpans(AgentSpans):
    """Opens spans for steps, and for the agents and chains around them.

    A step's span is the SDK's own, so that it is current while the provider is called.
    ``tenant`` is whose calls they are, for the metrics.
    """

    _is_one_program = True

    def __init__(self, telemetry: Telemetry, new_id: Callable[[int], str]) -> None:
        super().__init__(telemetry, new_id)
        telemetry.metering.look()
        self.tenant = ""
        self._seen: dict[str, str] = {}
        self._book = ""

    def teller(self) -> Teller:
        """What takes down how calls describe themselves."""
        content = self._telemetry.content
        captured = content if content is not None and content.enabled else None
        events = self._telemetry.events
        on_events = None if events is None else events.content
        return Teller(captured, on_events=on_events, top=self._is_one_program)

    def start_step(self, scope: Scope, time: int) -> dict[str, Any]:
        """Open a step's span, and give what its journal entry says of it."""
        scope.entered = time
        try:
            return self._start_step(scope, time)
        except Exception:
            warn("start_step")
            scope.span_id = scope.span_id or self._new_id(8)
            scope.parent_span_id = scope.parent_span_id or self.span_id
            return {}

    def _start_step(self, scope: Scope, time: int) -> dict[str, Any]:
        start = scope.describe() if scope.describe is not None else function_started(scope.name)
        said: dict[str, Any] = {}
        parent = self._open_above(scope.parent)
        if caller := scope.caller:
            said[AGENT] = caller
        with self._lock:
            packed = compact(start, kind=scope.kind, name=scope.name, seen=self._seen)
        if scope.attributes and TOOL_CALL_ID in scope.attributes:
            packed.pop(CALL_ID, None)  # the entry has it already
        if packed:
            said[SPAN] = packed
        if self._left:
            self._note_left(said)
        if self._telemetry.metering.counts_calls:
            self._count_call(scope)
        scope.start = start
        opened = "" if self._sink is None else self._open(scope, start, parent, time)
        scope.span_id = opened or self._new_id(8)
        scope.parent_span_id = parent
        return said

    def _open(self, scope: Scope, start: Start, parent: str, time: int) -> str:
        more = self._named(scope)
        if scope.content is not None:
            more |= scope.content()
        above = self._context(scope, parent)
        scope.span = self._sink.open(start, above, time=time, more=more)
        if scope.span is None:
            return ""
        return trace.format_span_id(scope.span.get_span_context().span_id)

    def current_step(self, scope: Scope) -> AbstractContextManager[Any]:
        """Makes a step's span the current one while its provider is called.

        Also if it is not sampled: what the program does in it is not, then.
        """
        span = scope.span or self._unsampled(scope)
        return NOTHING if span is None else Current(span, model=scope.kind is StepKind.MODEL)

    def _unsampled(self, scope: Scope) -> SpanContext | None:
        """Where a step is whose run is not sampled; None outside of runs, and in one that is."""
        return None

    @harmless(nothing)
    def end_step(self, scope: Scope, event: StepEnded, told: Attributes) -> None:
        """Close a step's span as its journal entry says, which is on its way."""
        if self._told:
            self._export_told()
        told = _with_first_chunk(scope, told)
        span, scope.span = scope.span, None
        metering = self._telemetry.metering
        if metering.heard is not None:
            metering.step(scope, event, told, span, self.tenant)
        if self._telemetry.events is not None and scope.kind is StepKind.MODEL:
            self._emit_event(scope, event, told, span)
        if span is None or not span.is_recording():
            return
        status, how = step_ended(event)
        price = told_cost(event.attributes, book=self._book)
        span.set_attributes({**told, **how, **price, **scope.shown})
        if status.status_code is StatusCode.ERROR:
            span.set_status(status)
        span.end(end_time=event.time)

    @harmless(nothing)
    def _emit_event(
        self, scope: Scope, event: StepEnded, told: Attributes, span: trace.Span | None
    ) -> None:
        """Have the event of a model call say what its span says, sampled or not."""
        events, start = self._telemetry.events, scope.start
        if events is None or start is None:
            return
        _, how = step_ended(event)
        price = told_cost(event.attributes, book=self._book)
        content = {} if scope.event is None else scope.event()
        said = {**start.attributes, **self._named(scope), **told, **how, **price, **content}
        around = span or span_context(self._trace_of(scope), scope.span_id, sampled=False)
        events.emit(said, around, event.time)

    def saw(self, scope: Scope, result: Any) -> None:
        """Capture what a call answered, where the app wants that."""
        if scope.event is not None:
            scope.event = partial(scope.event, result)
        if scope.content is not None and scope.span is not None and scope.span.is_recording():
            self._show(scope, result)

    @harmless(nothing)
    def _show(self, scope: Scope, result: Any) -> None:
        scope.shown = self._telemetry.shown(scope, result)

    @harmless(nothing)
    def estimate(self, scope: Scope, answer: Any) -> None:
        """Take a streamed answer's tokens for what its length is worth: none were reported."""
        scope.estimated = self._telemetry.estimate(scope.prompt, answer)

    @harmless(dict)
    def told_end(
        self, scope: Scope, told: Attributes | None, usage: Usage | None
    ) -> dict[str, Any]:
        """What a step's last entry says: of its span, its price, agents that ended before.

        ``told`` is None of a call that has no result; of an answer it may be empty.
        """
        said: dict[str, Any] = {}
        if scope.kind is StepKind.MODEL and told is not None:
            scope.settled = self._telemetry.settle(scope.start, told, usage, scope.estimated)
            said |= self._told_once(priced(scope.settled))
        told = _with_first_chunk(scope, told or {})
        packed = compact_end(told, usage) if told or usage is not None else None
        if packed:
            said[SPAN] = packed
        if self._left:
            self._note_left(said)
        return said

    def _told_once(self, price: dict[str, Any]) -> dict[str, Any]:
        """The book that priced a call, unless it is the one that priced the attempt's first."""
        book = price.get(BOOK)
        if book is not None:
            with self._lock:
                if self._book == book:
                    return {key: value for key, value in price.items() if key != BOOK}
                self._book = self._book or book
        return price

    def replayed(self, scope: Scope) -> None:
        """A step was answered from the journal: it has its span, and has been paid."""
        self._telemetry.metering.replayed(scope, self.tenant)

    def _named(self, scope: Scope) -> Attributes:
        """Which step, or agent, of which run a span is."""
        raise NotImplementedError


def _with_first_chunk(scope: Scope, told: Attributes) -> Attributes:
    """What is told of a call's end, and when its answer began, also if that never came whole."""
    return told if scope.streamed is None else {**told, **scope.streamed}
