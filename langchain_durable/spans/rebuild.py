"""A run's spans from its journal: those of a crashed process, and all of them for an export.

Trace and span ids, times and our attributes are those that the live spans had or would have
had, so a backend that has seen a span already shows it once. What the app has told a live span
itself (attributes, events, a status) is not in the journal, and of captured content only what
tools were given and steps have answered, so nothing of agents and chains: where a backend takes the
later span for the whole one, the rest is gone from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Status

from langchain_durable import semconv
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Outcome,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.journal import Header, HeaderField
from langchain_durable.spans.compact import (
    CALL_ID,
    SPAN,
    TOOL_CALL_ID,
    descriptions,
    expand,
    expand_end,
)
from langchain_durable.spans.finished import Opened, finished, opened_attempt, opened_run
from langchain_durable.spans.journaled import Journaled
from langchain_durable.spans.left import ABOVE, LEFT, as_its_attempt
from langchain_durable.spans.openings import Opening, openings
from langchain_durable.spans.outcomes import ended, step_ended
from langchain_durable.spans.priced import first_books, told_cost
from langchain_durable.spans.runs import attempt_ended, identity, told_replayed
from langchain_durable.spans.start import Attributes, Start


@dataclass(slots=True)
class _Attempt:
    """What one attempt's entries have said so far."""

    number: int
    trace: str
    opened: Opened | None = None
    steps: dict[bytes, Opened] = field(default_factory=dict)
    kinds: dict[bytes, StepKind] = field(default_factory=dict)
    above: dict[str, Opened] = field(default_factory=dict)
    last: int = 0
    end: AttemptEnded | None = None


def rebuilt(
    entries: Iterable[Entry],
    header: Header,
    *,
    resource: Resource,
    scope: InstrumentationScope,
    alive: int | None = None,
    journaled: Journaled | None = None,
) -> list[ReadableSpan]:
    """The spans that a run's journal knows of, in the order of their starts.

    ``resource`` and ``scope`` are those of the provider that exports them. ``alive`` is the
    attempt that is at work: what it has open is left out. What any other attempt has left
    open is closed at the time of its last entry: as ``crashed``, or, where the attempt gave the
    run back, a step as ``cancelled`` and an agent as its attempt. The run's own span is there
    once the run is over. ``journaled`` has the steps' content, where it is captured.
    """
    return _Rebuilding(list(entries), header, resource, scope, journaled).spans(alive)


class _Rebuilding:
    """One pass over a run's entries."""

    def __init__(
        self,
        entries: Sequence[Entry],
        header: Header,
        resource: Resource,
        scope: InstrumentationScope,
        journaled: Journaled | None,
    ) -> None:
        self._journaled = journaled
        self._entries = entries
        self._header = header
        self._resource = resource
        self._scope = scope
        self._trace = header.text(HeaderField.TRACE)
        self._reserved = header.text(HeaderField.ROOT_SPAN)
        self._openings = openings(entries)
        self._attempts: dict[int, _Attempt] = {}
        self._seen = descriptions(entries)
        self._books = first_books(entries)
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
            self._step_started(attempt, event, entry)
        elif isinstance(event, StepEnded):
            self._step_ended(attempt, event, entry)
        else:
            self._left(attempt, event.attributes)
            attempt.end = event

    # -- starts -------------------------------------------------------------------------------

    def _attempt_started(self, attempt: _Attempt, event: AttemptStarted) -> None:
        opening = [each for each in self._openings if each.first <= attempt.number][-1]
        root = (self._trace, opening.root(self._reserved))
        attempt.opened = opened_attempt(self._header.run_id, attempt.number, event, root)
        attempt.trace = attempt.opened.trace

    def _step_started(self, attempt: _Attempt, event: StepStarted, entry: Entry) -> None:
        for span_id, parent, time, packed in event.attributes.get(ABOVE) or ():
            start = expand(packed, kind=None, name="")
            told = {**start.attributes, **identity(self._header.run_id, attempt.number)}
            above = Start(start.name, start.kind, told)
            attempt.above[span_id] = self._open(attempt, above, time, span_id, parent)
        self._left(attempt, event.attributes)
        packed = event.attributes.get(SPAN) or {}
        if TOOL_CALL_ID in event.attributes:
            packed = {**packed, CALL_ID: event.attributes[TOOL_CALL_ID]}
        start = expand(
            packed, kind=event.kind, name=event.name, seen=self._seen.get(attempt.number)
        )
        named = identity(self._header.run_id, attempt.number, event.step)
        if self._journaled is not None:
            named |= self._journaled.given(entry, event.kind)
            attempt.kinds[event.step] = event.kind
        attempt.steps[event.step] = self._open(
            attempt,
            Start(start.name, start.kind, {**start.attributes, **named}),
            event.time,
            event.span_id,
            event.parent_span_id,
        )

    @staticmethod
    def _open(attempt: _Attempt, start: Start, time: int, span_id: str, parent: str) -> Opened:
        above = (attempt.trace, parent) if parent else None
        return Opened(start, time, attempt.trace, span_id, above)

    # -- ends ---------------------------------------------------------------------------------

    def _step_ended(self, attempt: _Attempt, event: StepEnded, entry: Entry) -> None:
        opened = attempt.steps.pop(event.step, None)
        self._left(attempt, event.attributes)
        if opened is None:
            return  # its start was sent unawaited, and was lost with the attempt that sent it
        status, told = step_ended(event)
        said = expand_end(event.attributes.get(SPAN) or {}, event.usage)
        cost = told_cost(event.attributes, book=self._books.get(attempt.number, ""))
        shown: Attributes = {}
        if self._journaled is not None:
            kind = attempt.kinds[event.step]
            shown = self._journaled.answered(entry, kind, opened.start.attributes)
        self._finish(opened, event.time, status, {**said, **told, **cost, **shown})

    def _left(self, attempt: _Attempt, attributes: Mapping[str, Any]) -> None:
        """Close the agents that had ended by the time an entry was written."""
        for span_id, time, outcome, packed, *error in attributes.get(LEFT) or ():
            opened = attempt.above.pop(span_id, None)
            if opened is not None:
                status, told = ended(Outcome(outcome), _error(*error[0]) if error else None)
                self._finish(opened, time, status, {**expand_end(packed), **told})

    def _close(self, attempt: _Attempt) -> None:
        """Close what an attempt that is over has left open."""
        end = attempt.end
        lost = ended(Outcome.CRASHED if end is None else Outcome.CANCELLED)
        for opened in attempt.steps.values():
            self._finish_late(opened, attempt, lost)
        for opened in attempt.above.values():
            self._finish_late(opened, attempt, lost if end is None else ended(*as_its_attempt(end)))
        if attempt.opened is not None and end is None:
            self._finish_late(attempt.opened, attempt, lost)
        elif attempt.opened is not None and end is not None:
            status, told = attempt_ended(end.status, end.reason, end.error)
            told |= told_replayed(end.attributes)
            self._finish(attempt.opened, attempt.last, status, told)

    def _finish_late(
        self, opened: Opened, attempt: _Attempt, how: tuple[Status, Attributes]
    ) -> None:
        status, told = how
        self._finish(opened, attempt.last, status, {**told, semconv.SYNTHETIC_END: True})

    def _close_run(self) -> None:
        """Make the roots of the openings that are over; the header knows how the last one ended."""
        if not self._reserved:
            return
        header = self._header
        for opening in self._openings:
            is_last = opening is self._openings[-1]
            end = opening.end
            if is_last and header.status.ended:
                error = end.error if end is not None else None
                self._close_root(opening, attempt_ended(header.status, header.reason, error))
            elif end is not None and not is_last:
                self._close_root(opening, attempt_ended(end.status, end.reason, end.error))

    def _close_root(self, opening: Opening, how: tuple[Status, Attributes]) -> None:
        place = (self._trace, opening.root(self._reserved))
        program = self._header.text(HeaderField.PROGRAM)
        opened = opened_run(self._header.run_id, program, place, opening.began)
        # The first among those that start when it starts.
        self._finish(opened, opening.last, *how, at=0)

    def _finish(
        self, opened: Opened, time: int, status: Status, told: Attributes, at: int | None = None
    ) -> None:
        span = finished(opened, time, status, told, resource=self._resource, scope=self._scope)
        if span is not None:
            self._done.insert(len(self._done) if at is None else at, span)


def _error(module: str, qualname: str, message: str) -> ErrorInfo:
    return ErrorInfo(module=module, qualname=qualname, message=message)
