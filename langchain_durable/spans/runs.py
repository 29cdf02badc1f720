"""The spans that are only ours: the run, its attempts, and what ties a step's span to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanKind, Status, StatusCode

from langchain_durable import semconv
from langchain_durable.events import ErrorInfo, RunStatus
from langchain_durable.spans.outcomes import description, error_type
from langchain_durable.spans.start import Attributes, Start


def run_started(run_id: str, program: str = "") -> Start:
    """What the span of a whole run says when it starts: the root of the run's trace."""
    told: Attributes = {semconv.RUN_ID: run_id}
    if program:
        told[semconv.PROGRAM] = program
    return Start(semconv.span_name(semconv.RUN_SPAN, program), SpanKind.INTERNAL, told)


def attempt_started(run_id: str, number: int) -> Start:
    """What the span of one process's execution of a run says when it starts."""
    return Start(semconv.ATTEMPT_SPAN, SpanKind.INTERNAL, identity(run_id, number))


def attempt_ended(
    status: RunStatus, reason: str = "", error: ErrorInfo | None = None
) -> tuple[Status, Attributes]:
    """How the span of an attempt, or of its run, ends. Only ``failed`` is an error."""
    told: Attributes = {semconv.STATUS: status.value}
    if reason:
        told[semconv.REASON] = reason
    if status is not RunStatus.FAILED:
        return Status(StatusCode.UNSET), told
    told[semconv.ERROR_TYPE] = error_type(error) if error is not None else reason or status.value
    message = description(error) if error is not None else reason
    return Status(StatusCode.ERROR, message), told


REPLAYED = "replayed"
"""Key in the attributes of an attempt's end: how many steps the journal answered."""


def told_replayed(attributes: Mapping[str, Any]) -> Attributes:
    """What an attempt's span says of its replayed steps, which have no spans of their own."""
    count = attributes.get(REPLAYED)
    return {semconv.REPLAYED_STEPS: count} if count else {}


def identity(run_id: str, attempt: int, step: bytes | None = None) -> Attributes:
    """Which step of which run a span is: on every span that is made under a run."""
    told: Attributes = {semconv.RUN_ID: run_id, semconv.ATTEMPT: attempt}
    if step is not None:
        told[semconv.STEP] = step.hex()
    return told
