"""Spans as the fixtures have them: names, kinds, parents, attributes with their types."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

_VARY = {"gen_ai.response.time_to_first_chunk"}
"""Attributes whose value is another one in each run: only their type is kept."""

_IDS = (
    (re.compile(r"chatcmpl-\d+"), "chatcmpl-#"),
    (re.compile(r"resp_\d+"), "resp_#"),
    (re.compile(r"cmpl-\d+"), "cmpl-#"),
    (re.compile(r"0x[0-9a-f]+"), "0x#"),
    (re.compile(r"id='[0-9a-f]{32}'"), "id='#'"),
)


def written(spans: Sequence[ReadableSpan]) -> list[dict[str, Any]]:
    """The spans in the order of their starts, parallel tools in that of their names, as JSON."""
    started = sorted(spans, key=lambda span: span.start_time or 0)
    ordered = [
        span
        for _, group in itertools.groupby(started, key=_together)
        for span in sorted(group, key=lambda span: span.name)
    ]
    names = {span.context.span_id: span.name for span in ordered if span.context}
    return [_span(span, names) for span in ordered]


def _together(span: ReadableSpan) -> object:
    parent = span.parent.span_id if span.parent else None
    return parent if span.name.startswith("execute_tool") else span


def _span(span: ReadableSpan, names: dict[int, str]) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "parent": names.get(span.parent.span_id) if span.parent else None,
        "status": span.status.status_code.name,
        "description": _steady(span.status.description),
        "attributes": {
            key: _attribute(key, value) for key, value in sorted((span.attributes or {}).items())
        },
        "events": [event.name for event in span.events],
    }


def _attribute(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, (tuple, list)):
        return {"type": f"{type(value[0]).__name__}[]" if value else "[]", "value": list(value)}
    return {"type": type(value).__name__, "value": None if key in _VARY else _steady(value)}


def _steady(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, steady in _IDS:
            value = pattern.sub(steady, value)
    return value
