"""Giving a run back: with its result, or with why it has none."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from langchain_durable.errors import DurableError
from langchain_durable.events import ASKS, AttemptEnded, RunStatus
from langchain_durable.journal import Lease
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.records import SETTLED
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.touchpoints.langgraph import is_drained
from langchain_durable.waiting import Blocking, Procedure, Ticket

logger = logging.getLogger(__name__)

RESULT = "result"
"""What the payload of a run's last entry is bound to."""

FLUSH_SECONDS = 1.0
"""How long a run that pauses waits for the exporters, at most."""


def finish(runtime: Runtime, attempt: Attempt, value: Any, *, keep_result: bool) -> Procedure[None]:
    """The program returned: record its result and give the run back."""
    try:
        if attempt.broken is not None:
            raise attempt.broken
        if attempt.refusal is not None:
            yield from _refused(attempt, attempt.refusal)
        if attempt.interrupted:
            ticket = yield from _asking(runtime, attempt)
        else:
            payload = _result(runtime, attempt, value) if keep_result else None
            ticket = attempt.end(RunStatus.COMPLETED, payload=payload)
        yield from attempt.settle(ticket)
    finally:
        runtime.free(attempt)


def _asking(runtime: Runtime, attempt: Attempt) -> Procedure[Ticket[None]]:
    """Pause for a person's answer. It may take days, and come to another process: what this one
    has told is exported first, and the journal knows whether it was."""
    payload = _questions(runtime, attempt)
    event = attempt.ending(RunStatus.PAUSED, reason=ASKS)
    return SETTLED if event is None else (yield from _flushed(attempt, event, payload))


def _flushed(
    attempt: Attempt, event: AttemptEnded, payload: bytes | None = None
) -> Procedure[Ticket[None]]:
    """Give the run back once its spans are out, and have the record say so."""
    try:
        if attempt.trace.sink is not None:
            seconds = min(FLUSH_SECONDS, attempt.settings.lease / 3)
            event = yield Blocking(partial(attempt.trace.flushed, event, seconds))
    finally:  # a caller who is cancelled meanwhile does not wait, but the record is made
        ticket = attempt.give_back(event, payload)
    return ticket


def _refused(attempt: Attempt, why: DurableError) -> Procedure[None]:
    """The program went on without a step that it may not make: that is no result."""
    status, reason = _ending(attempt, why)
    yield from attempt.settle(attempt.end(status, reason=reason, error=why))
    raise why


def _result(runtime: Runtime, attempt: Attempt, value: Any) -> bytes | None:
    try:
        return runtime.codec.encode(value, bind=bind(attempt.run_id, b"", RESULT))
    except DurableError as exc:
        logger.warning(
            "run %r: its result cannot be journaled; a later call replays its steps instead: %s",
            attempt.run_id,
            exc,
        )
        return None


def _questions(runtime: Runtime, attempt: Attempt) -> bytes | None:
    """What the run asks, for those who look at it: ``[{"id", "value"}, ...]``."""
    asked = [
        {"id": each.id, "value": each.value}
        for stop in attempt.stops.values()
        for each in stop.interrupts
    ]
    if not asked:
        return None
    try:
        return runtime.codec.encode(asked, bind=bind(attempt.run_id, b"", RESULT))
    except DurableError as exc:
        logger.warning(
            "run %r: what it asks cannot be journaled, so whoever looks at the run will not see "
            "it; an answer is taken all the same: %s",
            attempt.run_id,
            exc,
        )
        return None


def abort(runtime: Runtime, attempt: Attempt, exc: BaseException) -> Procedure[None]:
    """The program ended with an exception: failed, paused or cancelled."""
    try:
        if isinstance(attempt.broken, DurableError) or exc is attempt.broken:
            attempt.closed = True  # the journal is lost to us; the lease runs out
            return
        status, reason = _ending(attempt, exc)
        event = attempt.ending(status, reason=reason, error=exc)
        if event is None:
            return
        if status is RunStatus.PAUSED:
            yield from _paused(attempt, event, exc)
        else:
            ticket = attempt.give_back(event)
            if isinstance(exc, Exception):
                yield ticket
            # else we are being cancelled: the record is on its way, nobody may wait
    finally:
        runtime.free(attempt)


def _paused(attempt: Attempt, event: AttemptEnded, exc: BaseException) -> Procedure[None]:
    """Leave the run to a later call. A process that exits, or drains its graphs to do so, is
    flushed here: it may be killed before it comes to that, or its collector be away. Else it
    lives on, its spans are taken for exported, and nobody may wait."""
    if isinstance(exc, (SystemExit, KeyboardInterrupt)):
        yield from _flushed(attempt, event)
    elif isinstance(exc, Exception):
        yield (yield from _flushed(attempt, event))
    else:
        attempt.give_back(attempt.trace.taken_for_exported(event))


def give_back(runtime: Runtime, attempt: Attempt, lease: Lease, exc: BaseException) -> None:
    """The program has not begun: leave the run to the next call. Nobody waits for the record."""
    attempt.opened(runtime.store, lease, None, drift_ok=True)
    event = attempt.ending(RunStatus.PAUSED, reason=_pause(exc), error=exc)
    if event is not None:
        attempt.give_back(attempt.trace.taken_for_exported(event))


def _ending(attempt: Attempt, exc: BaseException) -> tuple[RunStatus, str]:
    if attempt.cancelled:
        return RunStatus.CANCELLED, "cancel"
    if not isinstance(exc, Exception) or is_drained(exc):
        return RunStatus.PAUSED, _pause(exc)
    return RunStatus.FAILED, type(exc).__name__


def _pause(exc: BaseException) -> str:
    return _PAUSES.get(type(exc).__name__, type(exc).__name__)


_PAUSES = {
    "GeneratorExit": "stream abandoned",
    "CancelledError": "task cancelled",
    "KeyboardInterrupt": "keyboard interrupt",
    "SystemExit": "exit",
    "GraphDrained": "drained",
}
