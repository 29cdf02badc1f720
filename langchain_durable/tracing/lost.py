"""The spans that died with their process: what it had open, and what waited to be exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_durable import semconv
from langchain_durable.events import AttemptEnded, Entry
from langchain_durable.journal import Header

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from langchain_durable.tracing.sink import Sink


def lost_spans(entries: Sequence[Entry], header: Header, sink: Sink) -> list[ReadableSpan]:
    """The spans of the attempts that have crashed since the last one that ended.

    Some may have been exported before. They are the same again, ids and all, so that a
    backend shows each once.
    """
    if not is_crashed(entries):
        return []
    after = _last_ended(entries)
    from langchain_durable.spans.rebuild import rebuilt

    found = rebuilt(entries, header, resource=sink.resource, scope=sink.scope)
    return [span for span in found if _attempt(span) > after]


def is_crashed(entries: Sequence[Entry]) -> bool:
    """Whether the last attempt of these entries did not give the run back."""
    return bool(entries) and entries[-1].attempt > _last_ended(entries)


def _last_ended(entries: Sequence[Entry]) -> int:
    ends = [entry.attempt for entry in entries if isinstance(entry.event, AttemptEnded)]
    return max(ends, default=0)


def _attempt(span: ReadableSpan) -> int:
    number = (span.attributes or {}).get(semconv.ATTEMPT)
    return number if isinstance(number, int) else 0
