"""Spans that are made whole: of what was known when they opened, and how they ended.

The live side and the journal's side make them here, so both make the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status, StatusCode

from langchain_durable.events import AttemptStarted
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.runs import attempt_started, run_started
from langchain_durable.spans.start import Attributes, Start

Place = tuple[str, str]
"""Trace id and span id, as the W3C writes them."""


@dataclass(slots=True)
class Opened:
    """A span that has started, at ``time`` in nanoseconds."""

    start: Start
    time: int
    trace: str
    span_id: str
    parent: Place | None
    links: tuple[Place, ...] = ()


def opened_run(run_id: str, program: str, place: Place, time: int) -> Opened:
    """The span of a run: the root of its trace, whose ids were reserved by its first attempt."""
    return Opened(run_started(run_id, program), time, *place, None)


def opened_attempt(run_id: str, number: int, event: AttemptStarted, root: Place) -> Opened:
    """The span of an attempt: beneath the run's, or linked to it from a trace of its own."""
    trace = event.trace_id or root[0]
    own_trace = trace != root[0]
    links = [root] if own_trace and root[1] else []
    if event.linked_span_id:
        links.append((event.linked_trace_id or trace, event.linked_span_id))
    return Opened(
        attempt_started(run_id, number),
        event.time,
        trace,
        event.span_id,
        None if own_trace or not root[1] else root,
        tuple(links),
    )


def finished(
    opened: Opened,
    time: int,
    status: Status,
    told: Attributes,
    *,
    resource: Resource,
    scope: InstrumentationScope,
) -> ReadableSpan | None:
    """The span, ended at ``time``; None for ids of a journal from before there were spans."""
    context = span_context(opened.trace, opened.span_id)
    if context is None:
        return None
    parent = span_context(*opened.parent) if opened.parent is not None else None
    links = [span_context(*link) for link in opened.links]
    return ReadableSpan(
        name=opened.start.name,
        context=context,
        parent=parent,
        resource=resource,
        attributes={**opened.start.attributes, **told},
        links=[Link(link) for link in links if link is not None],
        kind=opened.start.kind,
        status=status if status.status_code is StatusCode.ERROR else Status(),
        start_time=opened.time,
        end_time=max(time, opened.time),
        instrumentation_scope=scope,
    )
