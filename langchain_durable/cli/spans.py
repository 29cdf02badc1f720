"""What entries say of spans, in the conventions' own names instead of the journal's short ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_durable.events import StepEnded, StepStarted


def of_start(event: StepStarted, seen: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of a step's start. ``seen`` has the tools' descriptions of its attempt."""
    from langchain_durable.spans.compact import SPAN, expand
    from langchain_durable.spans.left import ABOVE

    told = spelled(event.attributes)
    packed = told.get(SPAN) or {}
    told[SPAN] = _start(expand(packed, kind=event.kind, name=event.name, seen=seen))
    if ABOVE in told:
        told[ABOVE] = [
            [*known, _start(expand(packed, kind=None, name=""))] for *known, packed in told[ABOVE]
        ]
    return told


def of_end(event: StepEnded) -> dict[str, Any]:
    """The attributes of a step's end."""
    from langchain_durable.spans.compact import SPAN, expand_end

    told = spelled(event.attributes)
    if SPAN in told or event.usage is not None:
        told[SPAN] = {"attributes": expand_end(told.get(SPAN) or {}, event.usage)}
    return told


def spelled(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of any entry, with what they say of agents that have ended."""
    from langchain_durable.spans.compact import expand_end
    from langchain_durable.spans.left import LEFT

    told = dict(attributes)
    if LEFT in told:
        told[LEFT] = [
            [span_id, time, outcome, {"attributes": expand_end(packed)}, *error]
            for span_id, time, outcome, packed, *error in told[LEFT]
        ]
    return told


def _start(start: Any) -> dict[str, Any]:
    return {
        "name": start.name,
        "kind": start.kind.name.lower(),
        "attributes": start.attributes,
    }
