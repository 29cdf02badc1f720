"""The spans that died with their process: what it had open, and what waited to be exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_durable import semconv
from langchain_durable.events import AttemptEnded, Entry
from langchain_durable.journal import Header
from langchain_durable.spans.journaled import Journaled

if TYPE_CHECKING:  # imported with the SDK, which an app that has configured it has imported
    from opentelemetry.sdk.trace import ReadableSpan

    from langchain_durable.tracing.sink import Sink

EXPORTED = "exported"
"""Key in the attributes of the end of an attempt that has paused: its spans are out, and those
that it had found lost. Of a cancelled call or an abandoned stream, which nobody may wait for, it
says only that its process lives on to send them."""


def lost_spans(
    entries: Sequence[Entry], header: Header, sink: Sink, journaled: Journaled | None
) -> list[ReadableSpan]:
    """The spans of the attempts since the last one whose spans are out.

    Those attempts have crashed, or have paused where nobody listened, or did not get their spans
    out before they paused. Some spans may have been exported all the same. They have the same
    ids again, so that a backend shows each once.
    """
    after = _last_exported(entries)
    if not entries or entries[-1].attempt <= after:
        return []
    from langchain_durable.spans.rebuild import rebuilt

    found = rebuilt(entries, header, resource=sink.resource, scope=sink.scope, journaled=journaled)
    return [span for span in found if _attempt(span) > after]


def is_crashed(entries: Sequence[Entry]) -> bool:
    """Whether the last attempt of these entries did not give the run back."""
    ends = [entry.attempt for entry in entries if isinstance(entry.event, AttemptEnded)]
    return bool(entries) and entries[-1].attempt > max(ends, default=0)


def _last_exported(entries: Sequence[Entry]) -> int:
    """The last attempt that has ended the run, or knows its spans to be out."""
    ends = [(each.attempt, each.event) for each in entries if isinstance(each.event, AttemptEnded)]
    out = [at for at, end in ends if end.status.ended or EXPORTED in end.attributes]
    return max(out, default=0)


def _attempt(span: ReadableSpan) -> int:
    number = (span.attributes or {}).get(semconv.ATTEMPT)
    return number if isinstance(number, int) else 0
