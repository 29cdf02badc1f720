"""The spans of one attempt, while it runs, and what its journal entries say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import StatusCode

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    StepEnded,
    StepKind,
    Usage,
)
from langchain_durable.identity.tree import Scope
from langchain_durable.journal import Header, HeaderField
from langchain_durable.spans.compact import CALL_ID, SPAN, TOOL_CALL_ID, compact, compact_end
from langchain_durable.spans.functions import function_started
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.left import AGENT
from langchain_durable.spans.openings import Opening, openings
from langchain_durable.spans.outcomes import step_ended
from langchain_durable.spans.priced import BOOK, told_cost
from langchain_durable.spans.runs import attempt_ended, identity, run_started, told_replayed
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.agent_spans import AgentSpans
from langchain_durable.tracing.current import NOTHING, Current
from langchain_durable.tracing.guard import harmless, nothing, warn
from langchain_durable.tracing.lost import EXPORTED, is_crashed, lost_spans
from langchain_durable.tracing.telemetry import Telemetry, priced
from langchain_durable.tracing.teller import Teller

_SERVICE_NAME = "service.name"


@dataclass(slots=True)
class RunPlace:
    """Where a run's spans stand: its trace, its root span, when it began, what it is."""

    trace: str
    root_span: str
    program: str = ""
    service: str = ""
    began: int = 0
    sampled: bool = True


def _exported(event: AttemptEnded) -> AttemptEnded:
    return replace(event, attributes={**event.attributes, EXPORTED: True})


class AttemptTrace(AgentSpans):
    """Opens spans for the steps of an attempt, and for the agents and chains around them.

    A step's span is the SDK's own, so that it is current while the provider is called. Those
    of the run, the attempt and its agents have ids that were reserved, and are made when
    they have ended: a process that dies leaves nothing open that its journal cannot close.
    """

    _is_one_program = True

    def __init__(self, telemetry: Telemetry, run_id: str, new_id: Callable[[int], str]) -> None:
        super().__init__(telemetry, new_id)
        telemetry.metering.look()
        self._run_id = run_id
        self._seen: dict[str, str] = {}
        self._book = ""
        self._around = Context()
        self.number = 0
        self.tenant = ""
        self.place = RunPlace(trace=new_id(16), root_span=new_id(8))
        self.own_trace = self.place.trace
        self.began = AttemptStarted(time=0, owner="", span_id=self.span_id)

    # -- the attempt ----------------------------------------------------------------

    def start(self, time: int, program: str, tenant: str = "") -> AttemptStarted:
        """The attempt's first entry; the caller's own span is linked from it."""
        self.tenant = tenant
        self._around = get_current()
        caller = trace.get_current_span().get_span_context()
        self.place.program, self.place.began = program, time
        self.began = AttemptStarted(
            time=time,
            owner="",
            span_id=self.span_id,
            trace_id=self.own_trace if self._telemetry.linked else "",
            linked_trace_id=trace.format_trace_id(caller.trace_id) if caller.is_valid else "",
            linked_span_id=trace.format_span_id(caller.span_id) if caller.is_valid else "",
        )
        return self.began

    def fields(self) -> dict[str, bytes]:
        """What the header of a new run keeps for its trace."""
        self._decide()
        place, found = self.place, HeaderField
        fields: dict[str, bytes] = {
            found.TRACE: place.trace.encode(),
            found.ROOT_SPAN: place.root_span.encode(),
        }
        if place.service:
            fields[found.SERVICE] = place.service.encode()
        if not place.sampled:
            fields[found.UNSAMPLED] = b"1"
        if self.tenant:
            fields[found.TENANT] = self.tenant.encode()
        return fields

    @harmless(nothing)
    def _decide(self) -> None:
        """Have the app's sampler decide on the whole run."""
        sink = self._telemetry.sink()
        if sink is not None:
            self.place.service = str(sink.resource.attributes.get(_SERVICE_NAME, ""))
            start = run_started(self._run_id, self.place.program)
            self.place.sampled = sink.is_sampled(int(self.place.trace, 16), start, get_current())

    def opened(self, number: int) -> None:
        """The run is ours, from now on."""
        self.number = number
        if not self._telemetry.linked or number == 1:
            self.own_trace = self.place.trace
        self._sink = self._telemetry.sink() if self.place.sampled else None

    def resume(
        self,
        number: int,
        header: Header,
        entries: Sequence[Entry],
        decode: Callable[[Entry], Any],
    ) -> None:
        """Go on with the trace of earlier attempts, and export what crashes have left open.

        ``decode`` gives an entry's value, for the content of spans.
        """
        opening = self._opening(number, entries)
        self.place = RunPlace(
            trace=header.text(HeaderField.TRACE) or self.place.trace,
            root_span=opening.root(header.text(HeaderField.ROOT_SPAN) or self.place.root_span),
            program=header.text(HeaderField.PROGRAM),
            began=opening.began,
            sampled=HeaderField.UNSAMPLED not in header.fields,
        )
        self.tenant = header.text(HeaderField.TENANT)
        self.opened(number)
        self._recover(header, entries, decode)

    def _opening(self, number: int, entries: Sequence[Entry]) -> Opening:
        """The opening of the run that this attempt is part of."""
        found = openings(entries)
        if found and found[-1].end is None:
            return found[-1]
        return Opening(number, self.began.time, self.began.time)

    @harmless(nothing)
    def _recover(
        self, header: Header, entries: Sequence[Entry], decode: Callable[[Entry], Any]
    ) -> None:
        if is_crashed(entries):
            self._telemetry.metering.crashed(self.tenant)
        if self._sink is not None:
            journaled = self._telemetry.journaled(decode)
            self._sink.emit(lost_spans(entries, header, self._sink, journaled), self._around)

    @property
    def sink(self) -> Any:
        """Where this attempt's spans go; None if nobody listens or it is not sampled."""
        return self._sink

    def teller(self) -> Teller:
        """What takes down how calls describe themselves."""
        content = self._telemetry.content
        captured = content if content is not None and content.enabled else None
        events = self._telemetry.events
        on_events = None if events is None else events.content
        return Teller(captured, on_events=on_events, top=self._is_one_program)

    def current(self) -> AbstractContextManager[Any]:
        """Makes the attempt's span the current one, for what the program does between calls.

        Also if it is not sampled: what the program does is not, then.
        """
        sampled = self.place.sampled
        if self._sink is None and sampled:
            return NOTHING
        context = span_context(self.own_trace, self.span_id, sampled=sampled)
        return NOTHING if context is None else Current(context)

    def end(self, event: AttemptEnded) -> AttemptEnded:
        """Close the attempt's spans, and its run's if that is over; gives the whole entry."""
        self._sweep(event)
        said = dict(event.attributes)
        self._note_left(said)
        event = replace(event, attributes=said)
        self._telemetry.metering.run_ended(event.status, self.tenant)
        if self._sink is not None:
            self._emit_ended(event)
        return event

    def taken_for_exported(self, event: AttemptEnded) -> AttemptEnded:
        """The same end of a process that lives on, which says so of the attempt's spans."""
        return event if self._sink is None else _exported(event)

    def flushed(self, event: AttemptEnded, seconds: float) -> AttemptEnded:
        """The same end, that says whether the attempt's spans are out; blocks until they are."""
        if self._sink is None or not self._sink.flush(seconds):
            return event
        return _exported(event)

    @harmless(nothing)
    def _emit_ended(self, event: AttemptEnded) -> None:
        from langchain_durable.spans.finished import opened_attempt, opened_run

        status, told = attempt_ended(event.status, event.reason, event.error)
        root = (self.place.trace, self.place.root_span)
        attempt = opened_attempt(self._run_id, self.number, self.began, root)
        replayed = told_replayed(event.attributes)
        spans = [self._finished(attempt, event.time, status, {**told, **replayed})]
        if event.status.ended:
            run = opened_run(self._run_id, self.place.program, root, self.place.began)
            spans.append(self._finished(run, event.time, status, told))
        self._sink.emit((span for span in spans if span is not None), self._around)

    def _named_agent(self) -> Attributes:
        return identity(self._run_id, self.number)

    def _trace_of(self, scope: Scope) -> str:
        return self.own_trace

    def _named(self, scope: Scope) -> Attributes:
        """Which step, or agent, of which run a span is."""
        return identity(self._run_id, self.number, None if scope.node is None else scope.node.id)

    # -- steps ----------------------------------------------------------------------

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
        parent = self._open_above(scope.parent, said)
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
        """Makes a step's span the current one while its provider is called; as above."""
        span = scope.span
        if span is None:
            if self.place.sampled:
                return NOTHING
            span = span_context(self.own_trace, scope.span_id, sampled=False)
        return NOTHING if span is None else Current(span, model=scope.kind is StepKind.MODEL)

    @harmless(nothing)
    def end_step(self, scope: Scope, event: StepEnded, told: Attributes) -> None:
        """Close a step's span as its journal entry says."""
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
        packed = compact_end(told or {}, usage) if told or usage is not None else None
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
