"""The fields of an event, as its record's meta holds them. See ``entries`` for the format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    ErrorInfo,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import RecordKind

# Places in these rows are on the wire: members are only ever added at the end.
KINDS = (StepKind.MODEL, StepKind.TOOL, StepKind.RETRIEVER, StepKind.FUNCTION)
OUTCOMES = (
    Outcome.COMPLETED,
    Outcome.FAILED,
    Outcome.CANCELLED,
    Outcome.INTERRUPTED,
    Outcome.CRASHED,
)
STATUSES = (
    RunStatus.QUEUED,
    RunStatus.RUNNING,
    RunStatus.PAUSED,
    RunStatus.COMPLETED,
    RunStatus.FAILED,
    RunStatus.CANCELLED,
)
_KIND_PLACE = {member: place for place, member in enumerate(KINDS)}
_OUTCOME_PLACE = {member: place for place, member in enumerate(OUTCOMES)}
_STATUS_PLACE = {member: place for place, member in enumerate(STATUSES)}
# Names of attributes that most entries have. On the wire as well.
SHORT = {
    "above": "^",
    "agent": "a",
    "book": "b",
    "cost": "$",
    "estimated": "e",
    "handled": "h",
    "left": "_",
    "replayed": "r",
    "source": "o",
    "span": "s",
    "tool_call_id": "i",
    "unpriced": "u",
}
UNPRICED = ("unknown_model", "no_usage", "book_failed", "bad_usage")
"""Why a call has no price, by the place in this row."""
LONG = {short: name for name, short in SHORT.items()}
UNRECORDED = 8
NODE_FIELDS = 5


def _raw(span_id: str) -> bytes | str:
    """Half the size for an id as W3C writes it, and any other text as it is."""
    try:
        raw = bytes.fromhex(span_id)
    except ValueError:
        return span_id
    return raw if raw.hex() == span_id else span_id


def _attempt_started(event: AttemptStarted) -> list[Any]:
    return [
        event.time,
        event.owner,
        _raw(event.span_id),
        _raw(event.trace_id),
        _raw(event.linked_trace_id),
        _raw(event.linked_span_id),
    ]


def _step_started(event: StepStarted) -> list[Any]:
    return [
        _KIND_PLACE[event.kind],
        "" if implied_name(event.nodes) == event.name else event.name,
        event.time,
        _raw(event.span_id),
        _raw(event.parent_span_id),
        _nodes_out(event),
        _attributes_out(event.attributes),
    ]


def implied_name(nodes: Sequence[Node]) -> str:
    """What a step is called whose entry declares its node: ``model:NAME[place]``."""
    return nodes[-1].label.partition(":")[2].partition("[")[0] if nodes else ""


def _attributes_out(attributes: dict[str, Any]) -> dict[str, Any]:
    said = {SHORT.get(name, name): value for name, value in attributes.items()}
    if "u" in said and said["u"] in UNPRICED:
        said["u"] = UNPRICED.index(said["u"])
    return said


def _nodes_out(event: StepStarted) -> list[Any]:
    flat: list[Any] = []
    before: bytes | None = None
    for node in event.nodes:
        flat += (
            None if node.id == event.step else node.id,
            None if node.parent == before else node.parent,
            node.label,
            node.ordinal,
            node.fingerprint,
        )
        before = node.id
    return flat


def _step_ended(event: StepEnded) -> list[Any]:
    return [
        _OUTCOME_PLACE[event.outcome] + (0 if event.recorded else UNRECORDED),
        event.time,
        _usage_out(event.usage),
        _error_out(event.error),
        _attributes_out(event.attributes),
    ]


def _usage_out(usage: Usage | None) -> list[Any] | None:
    if usage is None:
        return None
    fields: list[Any] = [usage.input_tokens, usage.output_tokens, usage.total_tokens]
    if usage.input_details or usage.output_details:
        fields += (usage.input_details, usage.output_details)
    return fields


def _error_out(error: ErrorInfo | None) -> list[str] | None:
    return None if error is None else [error.module, error.qualname, error.message]


def _attempt_ended(event: AttemptEnded) -> list[Any]:
    return [
        _STATUS_PLACE[event.status],
        event.time,
        event.reason,
        _error_out(event.error),
        list(event.fatal),
        _attributes_out(event.attributes),
    ]


WRITERS: dict[type, tuple[RecordKind, Callable[[Any], list[Any]]]] = {
    AttemptStarted: (RecordKind.ATTEMPT_STARTED, _attempt_started),
    StepStarted: (RecordKind.STEP_STARTED, _step_started),
    StepEnded: (RecordKind.STEP_ENDED, _step_ended),
    AttemptEnded: (RecordKind.ATTEMPT_ENDED, _attempt_ended),
}
"""The kind of an event's record, and what makes its fields."""
