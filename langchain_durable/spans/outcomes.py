"""How a call ended, as its span says it."""

from __future__ import annotations

import asyncio

from opentelemetry.trace import Status, StatusCode

from langchain_durable import semconv
from langchain_durable.events import HANDLED, ErrorInfo, Outcome, StepEnded
from langchain_durable.plain import utf8
from langchain_durable.spans.start import Attributes
from langchain_durable.touchpoints.langgraph import is_control_flow, is_interrupt

MESSAGE_LIMIT = 65_536
"""Characters. A tool's handled error is read by a model: the same text must come again."""

DESCRIPTION_LIMIT = 4096
"""Characters of an error's message that a span's status keeps."""


def outcome_of(exc: BaseException | None) -> Outcome:
    """How a call ended that ended with this exception; None: it gave its result."""
    if exc is None:
        return Outcome.COMPLETED
    if is_interrupt(exc) or is_control_flow(exc):
        return Outcome.INTERRUPTED
    if isinstance(exc, (asyncio.CancelledError, GeneratorExit)) or not isinstance(exc, Exception):
        return Outcome.CANCELLED
    return Outcome.FAILED


def failed(exc: BaseException) -> tuple[Status, Attributes]:
    """The status and the attributes of a span whose call ended with an exception.

    A failure and a cancelled call are errors, told apart by ``langchain_durable.outcome``;
    LangGraph's interrupts and other control flow are none.
    """
    outcome = outcome_of(exc)
    if outcome is Outcome.INTERRUPTED:
        return ended(outcome)
    return ended(outcome, describe(exc))


def describe(exc: BaseException) -> ErrorInfo:
    """What the journal keeps of an exception."""
    cls = type(exc)
    try:
        message = _questions(exc) if is_interrupt(exc) else str(exc)
    except Exception as broken:
        message = f"<{cls.__qualname__} whose message cannot be made: {type(broken).__name__}>"
    return ErrorInfo(
        module=cls.__module__, qualname=cls.__qualname__, message=message[:MESSAGE_LIMIT]
    )


def _questions(interrupt: BaseException) -> str:
    """What a call asks that is interrupted, without the record around it."""
    return "\n".join(str(asked.value) for found in interrupt.args for asked in found)


def ended(outcome: Outcome, error: ErrorInfo | None = None) -> tuple[Status, Attributes]:
    """The status and the attributes of a span, from what the journal keeps of its end."""
    told: Attributes = {semconv.OUTCOME: outcome.value}
    if outcome is Outcome.CRASHED:
        told[semconv.ERROR_TYPE] = semconv.PROCESS_CRASH
        told[semconv.SYNTHETIC_END] = True
        return Status(StatusCode.ERROR, "the process died before this had ended"), told
    if outcome in (Outcome.COMPLETED, Outcome.INTERRUPTED):
        return Status(StatusCode.UNSET), told
    told[semconv.ERROR_TYPE] = error_type(error) if error is not None else outcome.value
    return Status(StatusCode.ERROR, "" if error is None else description(error)), told


def description(error: ErrorInfo) -> str:
    """An error's message as a span's status keeps it. OTLP cannot say a lone surrogate, which a
    model's broken text brings with it: an exporter would lose all spans that it has at hand."""
    return utf8(error.message[:DESCRIPTION_LIMIT])


def step_ended(event: StepEnded) -> tuple[Status, Attributes]:
    """How a step's span ends; an error that its tool took for the result is none."""
    if HANDLED in event.attributes:
        return ended(Outcome.COMPLETED)
    return ended(event.outcome, event.error)


def error_type(error: ErrorInfo) -> str:
    """``error.type``: the exception's full name, builtins without their module.

    As the SDK names an exception in the event that ``Span.record_exception`` makes.
    """
    if error.module in ("", "builtins"):
        return error.qualname
    return f"{error.module}.{error.qualname}"
