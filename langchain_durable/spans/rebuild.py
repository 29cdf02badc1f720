"""A run's spans from its journal: those of a crashed process, and all of them for an export.

Trace and span ids, times and attributes are those that the live spans had or would have had,
so a backend that has seen a span already sees the same one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from langchain_durable import semconv
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Outcome,
    RunStatus,
    StepEnded,
    StepStarted,
)
from langchain_durable.journal import Header
from langchain_durable.spans.compact import SPAN, expand, expand_end, remember
from langchain_durable.spans.outcomes import ended
from langchain_durable.spans.runs import attempt_ended, attempt_started, identity, run_started
from langchain_durable.spans.start import Attributes, Start

_FINAL = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(slots=True)
class _Open:
    """A span that has started. ``trace`` and the ids are as the W3C writes them."""

    start: Start
    time: int
    trace: str
    span_id: str
    parent: tuple[str, str] | None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Attempt:
    """What one attempt's entries have said so far."""

    number: int
    trace: str
    opened: _Open | None = None
    steps: dict[bytes, _Open] = field(default_factory=dict)
    above: dict[str, _Open] = field(default_factory=dict)
    last: int = 0
    end: AttemptEnded | None = None


def rebuilt(
    entries: Iterable[Entry],
    header: Header,
    *,
    resource: Resource,
    scope: InstrumentationScope,
    alive: int | None = None,
) -> list[ReadableSpan]:
    """The spans that a run's journal knows of, in the order of their starts.

    ``resource`` and ``scope`` are those of the provider that exports them. ``alive`` is the
    attempt that is at work: what it has open is left out. What any other attempt has left
    open is closed at the time of its last entry: as ``crashed``, or, where the attempt gave the
    run back, a step as ``cancelled`` and an agent as its attempt. The run's own span is there
    once the run is over.
    """
    return _Rebuilding(list(entries), header, resource, scope).spans(alive)


class _Rebuilding:
    """One pass over a run's entries."""

    def __init__(
        self,
        entries: Sequence[Entry],
        header: Header,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> None:
        self._entries = entries
        self._header = header
        self._resource = resource
        self._scope = scope
        self._trace = _text(header.fields, "trace")
        self._root = _text(header.fields, "root_span")
        self._attempts: dict[int, _Attempt] = {}
        self._seen = _descriptions(entries)
        self._done: list[ReadableSpan] = []

    def spans(self, alive: int | None) -> list[ReadableSpan]:
        for entry in self._entries:
            self._take(entry)
        for attempt in self._attempts.values():
            if attempt.end is not None or attempt.number != alive:
                self._close(attempt)
        self._close_run()
        return sorted(self._done, key=lambda span: (span.start_time or 0, -(span.end_time or 0)))

    def _take(self, entry: Entry) -> None:
        event = entry.event
        attempt = self._attempts.get(entry.attempt)
        if attempt is None:
            attempt = self._attempts[entry.attempt] = _Attempt(entry.attempt, self._trace)
        attempt.last = max(attempt.last, event.time)
        if isinstance(event, AttemptStarted):
            self._attempt_started(attempt, event)
        elif isinstance(event, StepStarted):
            self._step_started(attempt, event)
        elif isinstance(event, StepEnded):
            self._step_ended(attempt, event)
        else:
            attempt.end = event

    # -- starts -------------------------------------------------------------------------------

    def _attempt_started(self, attempt: _Attempt, event: AttemptStarted) -> None:
        attempt.trace = event.trace_id or self._trace
        root = (self._trace, self._root)
        own_trace = attempt.trace != self._trace
        links = [root] if own_trace and self._root else []
        if event.linked_span_id:
            links.append((event.linked_trace_id or attempt.trace, event.linked_span_id))
        attempt.opened = _Open(
            attempt_started(self._header.run_id, attempt.number),
            event.time,
            attempt.trace,
            event.span_id,
            None if own_trace or not self._root else root,
            tuple(links),
        )

    def _step_started(self, attempt: _Attempt, event: StepStarted) -> None:
        for span_id, parent, time, packed in event.attributes.get(ABOVE) or ():
            start = expand(packed, kind=None, name="")
            told = {**start.attributes, **identity(self._header.run_id, attempt.number)}
            above = Start(start.name, start.kind, told)
            attempt.above[span_id] = self._open(attempt, above, time, span_id, parent)
        self._left(attempt, event.attributes)
        packed = event.attributes.get(SPAN) or {}
        start = expand(
            packed, kind=event.kind, name=event.name, seen=self._seen.get(attempt.number)
        )
        named = identity(self._header.run_id, attempt.number, event.step)
        attempt.steps[event.step] = self._open(
            attempt,
            Start(start.name, start.kind, {**start.attributes, **named}),
            event.time,
            event.span_id,
            event.parent_span_id,
        )

    @staticmethod
    def _open(attempt: _Attempt, start: Start, time: int, span_id: str, parent: str) -> _Open:
        above = (attempt.trace, parent) if parent else None
        return _Open(start, time, attempt.trace, span_id, above)

    # -- ends ---------------------------------------------------------------------------------

    def _step_ended(self, attempt: _Attempt, event: StepEnded) -> None:
        opened = attempt.steps.pop(event.step, None)
        self._left(attempt, event.attributes)
        if opened is None:
            return  # its start was sent unawaited, and was lost with the attempt that sent it
        status, told = ended(event.outcome, event.error)
        said = expand_end(event.attributes.get(SPAN) or {}, event.usage)
        self._finish(opened, event.time, status, {**said, **told})

    def _left(self, attempt: _Attempt, attributes: Mapping[str, Any]) -> None:
        """Close the agents that had ended by the time an entry was written."""
        for span_id, time, outcome, packed in attributes.get(LEFT) or ():
            opened = attempt.above.pop(span_id, None)
            if opened is not None:
                status, told = ended(Outcome(outcome))
                self._finish(opened, time, status, {**expand_end(packed), **told})

    def _close(self, attempt: _Attempt) -> None:
        """Close what an attempt that is over has left open."""
        end = attempt.end
        lost = ended(Outcome.CRASHED if end is None else Outcome.CANCELLED)
        for opened in attempt.steps.values():
            self._finish_late(opened, attempt, lost)
        for opened in attempt.above.values():
            self._finish_late(opened, attempt, lost if end is None else _as_its_attempt(end))
        if attempt.opened is not None and end is None:
            self._finish_late(attempt.opened, attempt, lost)
        elif attempt.opened is not None and end is not None:
            status, told = attempt_ended(end.status, end.reason, end.error)
            self._finish(attempt.opened, attempt.last, status, told)

    def _finish_late(
        self, opened: _Open, attempt: _Attempt, how: tuple[Status, Attributes]
    ) -> None:
        status, told = how
        self._finish(opened, attempt.last, status, {**told, semconv.SYNTHETIC_END: True})

    def _close_run(self) -> None:
        if self._header.status not in _FINAL or not self._root or not self._entries:
            return
        ends = [attempt.end for attempt in self._attempts.values() if attempt.end is not None]
        error = ends[-1].error if ends else None
        status, told = attempt_ended(self._header.status, self._header.reason, error)
        start = run_started(self._header.run_id, _text(self._header.fields, "program"))
        first = self._entries[0].event.time
        opened = _Open(start, first, self._trace, self._root, None)
        last = max(attempt.last for attempt in self._attempts.values())
        self._finish(opened, last, status, told)
        self._done.insert(0, self._done.pop())

    def _finish(self, opened: _Open, time: int, status: Status, told: Attributes) -> None:
        context = _context(opened.trace, opened.span_id)
        if context is None:
            return  # a journal from before there were spans
        parent = _context(*opened.parent) if opened.parent is not None else None
        links = [_context(*link) for link in opened.links]
        self._done.append(
            ReadableSpan(
                name=opened.start.name,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes={**opened.start.attributes, **told},
                links=[Link(link) for link in links if link is not None],
                kind=opened.start.kind,
                status=status if status.status_code is StatusCode.ERROR else Status(),
                start_time=opened.time,
                end_time=max(time, opened.time),
                instrumentation_scope=self._scope,
            )
        )


ABOVE = "above"
"""In a step's start: agents that it is the first step of, each ``declared``."""

LEFT = "left"
"""In a step's start or end: agents that have ended since the last entry, each ``left``."""


def _as_its_attempt(end: AttemptEnded) -> tuple[Status, Attributes]:
    """How an agent ended that was open until its attempt gave the run back."""
    if end.status is RunStatus.COMPLETED:
        return ended(Outcome.COMPLETED)
    if end.status is RunStatus.FAILED:
        return ended(Outcome.FAILED, end.error)
    interrupted = end.status is RunStatus.PAUSED and end.reason == "interrupt"
    return ended(Outcome.INTERRUPTED if interrupted else Outcome.CANCELLED)


def _descriptions(entries: Sequence[Entry]) -> dict[int, dict[str, str]]:
    """The tools' descriptions by attempt: one entry has each, not always the first of its tool."""
    seen: dict[int, dict[str, str]] = {}
    for entry in entries:
        if isinstance(entry.event, StepStarted):
            packed = entry.event.attributes.get(SPAN) or {}
            remember(packed, name=entry.event.name, seen=seen.setdefault(entry.attempt, {}))
    return seen


def _context(trace: str, span_id: str) -> SpanContext | None:
    try:
        context = SpanContext(
            trace_id=int(trace, 16),
            span_id=int(span_id, 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        )
    except ValueError:
        return None
    return context if context.is_valid else None


def _text(fields: Mapping[str, bytes], name: str) -> str:
    return fields.get(name, b"").decode("utf-8", "replace")
