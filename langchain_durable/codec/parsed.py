"""Events from the fields of their records' metas; whatever does not fit is a ``ValueError``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_durable.codec.packed import (
    KINDS,
    LONG,
    NODE_FIELDS,
    OUTCOMES,
    STATUSES,
    UNPRICED,
    UNRECORDED,
    implied_name,
)
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    ErrorInfo,
    Event,
    Node,
    StepEnded,
    StepStarted,
    Usage,
)
from langchain_durable.journal import RecordKind


def _int(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"an int expected, {type(value).__name__} came")
    return value


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return ""
    raise ValueError(f"a str expected, {type(value).__name__} came")


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise ValueError(f"bytes expected, {type(value).__name__} came")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is list:
        return value
    if value is None:
        return []
    raise ValueError(f"a list expected, {type(value).__name__} came")


def _dict(value: Any) -> dict[str, Any]:
    if type(value) is dict:
        return value
    if value is None:
        return {}
    raise ValueError(f"a map expected, {type(value).__name__} came")


def _attributes(value: Any) -> dict[str, Any]:
    if value is None or not _dict(value):
        return {}
    said = {LONG.get(name, name): item for name, item in value.items()}
    reason = said.get("unpriced")
    if type(reason) is int:
        said["unpriced"] = UNPRICED[_place(reason, len(UNPRICED))]
    return said


def _hex(value: Any) -> str:
    return value.hex() if type(value) is bytes else _str(value)


def _place(value: Any, end: int) -> int:
    place = _int(value)
    if not 0 <= place < end:
        raise ValueError(f"a number below {end} expected, {place} came")
    return place


def _attempt_started(fields: list[Any], step: bytes) -> Event:
    time, owner, span_id, trace_id, linked_trace_id, linked_span_id = fields
    return AttemptStarted(
        time=_int(time),
        owner=_str(owner),
        span_id=_hex(span_id),
        trace_id=_hex(trace_id),
        linked_trace_id=_hex(linked_trace_id),
        linked_span_id=_hex(linked_span_id),
    )


def _step_started(fields: list[Any], step: bytes) -> Event:
    kind, name, time, span_id, parent_span_id, nodes, attributes = fields
    declared = _nodes(_list(nodes), step) if nodes else ()
    return StepStarted(
        step=step,
        kind=KINDS[_place(kind, len(KINDS))],
        name=_str(name) or implied_name(declared),
        time=_int(time),
        span_id=_hex(span_id),
        parent_span_id=_hex(parent_span_id),
        nodes=declared,
        attributes=_attributes(attributes),
    )


def _nodes(flat: list[Any], step: bytes) -> tuple[Node, ...]:
    if len(flat) % NODE_FIELDS:
        raise ValueError("nodes are cut short")
    nodes = []
    before: Any = None
    for at in range(0, len(flat), NODE_FIELDS):
        id_, parent, label, ordinal, fingerprint = flat[at : at + NODE_FIELDS]
        node = Node(
            step if id_ is None else _bytes(id_),
            _bytes(before if parent is None else parent),
            _str(label),
            _int(ordinal),
            _bytes(fingerprint),
        )
        nodes.append(node)
        before = node.id
    return tuple(nodes)


def _step_ended(fields: list[Any], step: bytes) -> Event:
    outcome, time, usage, error, attributes = fields
    place = _place(outcome, UNRECORDED + len(OUTCOMES))
    return StepEnded(
        step=step,
        outcome=OUTCOMES[place % UNRECORDED],
        time=_int(time),
        usage=None if usage is None else _usage(_list(usage)),
        error=None if error is None else _error(_list(error)),
        recorded=place < UNRECORDED,
        attributes=_attributes(attributes),
    )


def _usage(fields: list[Any]) -> Usage:
    if len(fields) not in (3, 5):
        raise ValueError(f"3 or 5 numbers of usage expected, {len(fields)} came")
    details = [_counts(item) for item in fields[3:]] or [{}, {}]
    return Usage(
        input_tokens=_int(fields[0]),
        output_tokens=_int(fields[1]),
        total_tokens=_int(fields[2]),
        input_details=details[0],
        output_details=details[1],
    )


def _counts(value: Any) -> dict[str, int]:
    return {_str(key): _int(count) for key, count in _dict(value).items()}


def _error(fields: list[Any]) -> ErrorInfo:
    module, qualname, message = fields
    return ErrorInfo(module=_str(module), qualname=_str(qualname), message=_str(message))


def _attempt_ended(fields: list[Any], step: bytes) -> Event:
    status, time, reason, error, fatal, attributes = fields
    return AttemptEnded(
        status=STATUSES[_place(status, len(STATUSES))],
        time=_int(time),
        reason=_str(reason),
        error=None if error is None else _error(_list(error)),
        fatal=tuple(map(_bytes, _list(fatal))),
        attributes=_attributes(attributes),
    )


READERS: dict[RecordKind, tuple[Callable[[list[Any], bytes], Event], int]] = {
    RecordKind.ATTEMPT_STARTED: (_attempt_started, 6),
    RecordKind.STEP_STARTED: (_step_started, 7),
    RecordKind.STEP_ENDED: (_step_ended, 5),
    RecordKind.ATTEMPT_ENDED: (_attempt_ended, 6),
}
"""What reads a record of each kind, and how many fields it knows."""
