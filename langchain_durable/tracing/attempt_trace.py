"""The spans of one attempt, while it runs, and what its journal entries say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import SpanContext

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
)
from langchain_durable.identity.tree import Scope
from langchain_durable.journal import Header, HeaderField
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.openings import Opening, openings
from langchain_durable.spans.runs import attempt_ended, identity, run_started, told_replayed
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing.current import NOTHING, Current
from langchain_durable.tracing.guard import harmless, nothing
from langchain_durable.tracing.lost import EXPORTED, is_crashed, lost_spans
from langchain_durable.tracing.step_spans import StepSpans
from langchain_durable.tracing.telemetry import Telemetry

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


class AttemptTrace(StepSpans):
    """The spans of an attempt, of its run, and of the steps in it.

    Those of the run, the attempt and its agents have ids that were reserved, and are made when
    they have ended: a process that dies leaves nothing open that its journal cannot close.
    """

    def __init__(self, telemetry: Telemetry, run_id: str, new_id: Callable[[int], str]) -> None:
        super().__init__(telemetry, new_id)
        self._run_id = run_id
        self._around = Context()
        self.number = 0
        self.place = RunPlace(trace=new_id(16), root_span=new_id(8))
        self.own_trace = self.place.trace
        self.began = AttemptStarted(time=0, owner="", span_id=self.span_id)
        self._exported = False

    # -- the attempt ----------------------------------------------------------------

    def start(self, time: int, program: str, tenant: str, owner: str) -> AttemptStarted:
        """The attempt's first entry; the caller's own span is linked from it."""
        self.tenant = tenant
        self._around = get_current()
        caller = trace.get_current_span().get_span_context()
        self.place.program, self.place.began, self._since = program, time, time
        self.began = AttemptStarted(
            time=time,
            owner=owner,
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

    def current(self) -> AbstractContextManager[Any]:
        """Makes the attempt's span the current one, for what the program does between calls.

        Also if it is not sampled: what the program does is not, then.
        """
        sampled = self.place.sampled
        if self._sink is None and sampled:
            return NOTHING
        context = span_context(self.own_trace, self.span_id, sampled=sampled)
        return NOTHING if context is None else Current(context)

    def told_ended(self, event: AttemptEnded) -> AttemptEnded:
        """The whole entry of the attempt's end, which tells of the agents that end with it."""
        self._sweep(event)
        said = dict(event.attributes)
        self._note_left(said)
        self._telemetry.metering.run_ended(event.status, self.tenant)
        return replace(event, attributes=said)

    def end(self, event: AttemptEnded) -> None:
        """Export the attempt's spans, and its run's if that is over; the entry is on its way."""
        if self._sink is not None and not self._exported:
            self._exported = True
            self._export_told()
            self._emit_ended(event)

    def taken_for_exported(self, event: AttemptEnded) -> AttemptEnded:
        """The same end of a process that lives on, which says so of the attempt's spans."""
        return event if self._sink is None else _exported(event)

    def flushed(self, event: AttemptEnded, seconds: float) -> AttemptEnded:
        """The same end, that says whether the attempt's spans are out; blocks until they are."""
        self.end(event)
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

    def _unsampled(self, scope: Scope) -> SpanContext | None:
        if self.place.sampled:
            return None
        return span_context(self.own_trace, scope.span_id, sampled=False)
