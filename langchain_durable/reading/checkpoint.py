"""Where a run stands: the records that the fold of its journal gives, and their JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from langchain_core.messages import BaseMessage

from langchain_durable.events import ErrorInfo, Interrupt, Outcome, RunStatus, StepKind, Usage
from langchain_durable.jsonable import jsonable


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a value that cannot be decoded here, such as one of a class not in ``allow``."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """One step as the newest attempt left it. ``outcome`` is None while it is in flight.

    ``attempt`` is the number of that attempt, ``attempts`` how many tried. Times and
    ``duration`` are in nanoseconds. ``path`` are the labels from the root to the step.
    """

    number: int
    id: str
    kind: StepKind
    name: str
    path: tuple[str, ...]
    outcome: Outcome | None
    attempt: int
    attempts: int
    started: int
    ended: int | None = None
    duration: int | None = None
    error: ErrorInfo | None = None
    usage: Usage | None = None
    span_id: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a run stands. Times are nanoseconds since the epoch.

    ``step`` is the number of steps completed, ``attempt`` the number of attempts so far.
    ``messages`` are the input's, then each model's answer and tool's result in the order
    in which they came; ``tool_results`` are by step id. ``usage`` is the sum over all
    attempts: what was spent, not what was kept. ``interrupts`` are the questions of a run
    that is paused at them.
    """

    run_id: str
    status: RunStatus
    reason: str
    attempt: int
    step: int
    steps: tuple[StepState, ...]
    messages: tuple[BaseMessage, ...]
    tool_results: Mapping[str, Any]
    interrupts: tuple[Interrupt, ...]
    result: Any
    error: ErrorInfo | None
    metadata: Mapping[str, Any]
    trace_id: str
    created: int
    updated: int
    usage: Usage


def to_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """The checkpoint as JSON for people: ISO times, seconds, bytes as their length.

    Messages come as role and content. It is lossy; nothing resumes from it.
    """
    rendered = _record(checkpoint)
    rendered["steps"] = [_record(step) for step in checkpoint.steps]
    for record in (rendered, *rendered["steps"]):
        for name in ("created", "updated", "started", "ended"):
            if record.get(name) is not None:
                record[name] = _iso(record[name])
        if record.get("duration") is not None:
            record["duration"] /= 1e9
    return rendered


def _record(record: Checkpoint | StepState) -> dict[str, Any]:
    return {
        field.name: None if field.name == "steps" else jsonable(getattr(record, field.name))
        for field in fields(record)
    }


def _iso(nanoseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(nanoseconds // 10**9, dt.UTC)
    return moment.replace(microsecond=nanoseconds % 10**9 // 1000).isoformat()
