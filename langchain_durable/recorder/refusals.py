"""Why a run cannot be taken, or a step not be made, as the errors that the caller sees."""

from __future__ import annotations

import json
import logging

from langchain_durable.errors import (
    JournalGap,
    JournalTooNew,
    RunCancelled,
    RunCompleted,
    RunCrashLoop,
    RunExpired,
    RunInputMismatch,
    RunNotFound,
    StepDrift,
    StepInDoubt,
)
from langchain_durable.events import Outcome
from langchain_durable.identity.fingerprint import fingerprint_keys
from langchain_durable.identity.recorded import Recorded
from langchain_durable.identity.tree import Scope
from langchain_durable.journal import FORMAT, Header, HeaderField, Opened, Verdict
from langchain_durable.recorder.request import Request

logger = logging.getLogger(__name__)


def refuse(opened: Opened, request: Request, run_id: str) -> None:
    """Raise for the verdicts that end an acquire."""
    header = opened.header
    if opened.verdict is Verdict.MISSING:
        raise not_found(run_id)
    if header is None:
        return
    if opened.verdict is Verdict.TOO_NEW:
        raise JournalTooNew(
            f"Run {run_id!r} was written by a newer release of langchain-durable.",
            expected=f"format {FORMAT} or older",
            came=f"format {header.format}",
            do="install the newer release, or start a run with another run_id",
        )
    if opened.verdict is Verdict.EXPIRED:
        raise expired(header)
    if opened.verdict is Verdict.MISMATCH:
        raise _mismatch(run_id, header, request)
    if opened.verdict is Verdict.CRASH_LOOP:
        raise RunCrashLoop(
            run_id,
            f"{header.stalls} attempts in a row died without recording one step; "
            "it is failed now, reason crash_loop.",
            expected="an attempt that gets one step further",
            came=f"attempt {header.attempt} dead",
            do="look at why the process dies (memory, a crashing tool), then call it again "
            "with the same input to reopen it",
        )


def not_found(run_id: str) -> RunNotFound:
    """For an id that the journal does not know."""
    return RunNotFound(
        run_id,
        "there is no such run.",
        expected="the id of a run in this journal",
        came="an unknown one",
        do="list the runs with durable.runs() or `langchain-durable runs`; check the URL and "
        "the prefix",
    )


def expired(header: Header) -> RunExpired | JournalGap:
    """The error for a header that has no journal: nothing expires before a run has ended."""
    if not header.status.ended:
        return JournalGap(
            f"The journal of run {header.run_id!r} is gone, and the run has not ended.",
            expected="the records of a run that can go on",
            came="only the run's header: the server evicted or lost the records, or something "
            "deleted them",
            do="set maxmemory-policy to noeviction (`langchain-durable doctor` looks), then use "
            "a new run_id, or delete this run and begin it anew",
        )
    return RunExpired(
        header.run_id,
        "its journal has reached its time to live.",
        expected="a journal that is kept (7 days after the run's end by default)",
        came="only the run's header",
        do="use a new run_id, and set a longer retention if runs are resumed that late",
    )


def _mismatch(run_id: str, header: Header, request: Request) -> RunInputMismatch:
    stored: dict[str, str] = {}
    try:
        stored = json.loads(header.text(HeaderField.INPUT_KEYS) or "{}")
    except ValueError:
        logger.warning("run %r: its header has no readable input_keys", run_id)
    came = {k: v.hex() for k, v in fingerprint_keys(request.inputs).items()}
    keys = sorted(k for k in stored.keys() | came.keys() if stored.get(k) != came.get(k))
    where = ", ".join(repr(k) for k in keys if k)
    what = f"the value of {where} differs" if where else "the input differs"
    return RunInputMismatch(
        run_id,
        f"it was started with another input: {what}.",
        expected="the input that the run was started with, or None to go on with it",
        came="another input",
        do="use a new run_id: a new turn of a conversation is a new run "
        "(its thread_id stays the same)",
    )


def cancelled(run_id: str) -> RunCancelled:
    """For a step of a run that somebody has cancelled."""
    return RunCancelled(
        run_id,
        "it was cancelled.",
        expected="a run that may go on",
        came="a cancel",
        do="call it again with the same input, or durable.resume, to reopen it",
    )


def drifted(run_id: str, path: str) -> StepDrift:
    """For a step that stands where another input was recorded; ``path`` is its place."""
    return StepDrift(
        run_id,
        path,
        "the journal has another input for this step.",
        expected="the same input as in the attempt before",
        came="another one",
        do="make the program deterministic (record time, random numbers and the like "
        "with durable.step), or use drift='reuse'",
    )


def in_doubt(run_id: str, tool: Scope, step: str, attempt: int, policy: str) -> StepInDoubt:
    """For a tool's call that may have had its effect. ``step`` is its id, and ``attempt`` the one
    that died in it."""
    return StepInDoubt(
        run_id,
        "/".join(tool.path),
        f"tool {tool.name!r} was in flight when attempt {attempt} ended; its "
        "effect may have happened.",
        expected=f"a decision, because its policy is {policy!r}",
        came="an intent without a result",
        do=f"look at the effect; then durable.resolve({run_id!r}, {step!r}, value) to "
        f"record its result, or durable.resolve({run_id!r}, {step!r}) to let it run again; "
        "`langchain-durable resolve` does the same",
    )


def unanswered(run_id: str, path: str, recorded: Recorded | None) -> RunCompleted:
    """The error for a step of a completed run that would have to be made."""
    return RunCompleted(
        run_id,
        f"it is completed, and {path} {_why_unanswered(recorded)}.",
        expected="the same program with the same input",
        came="a step that the journal has no answer to",
        do="use a new run_id for a new turn",
    )


def _why_unanswered(recorded: Recorded | None) -> str:
    if recorded is None or recorded.kind is None:
        return "is a step that it never made"
    if recorded.in_doubt:
        return "was under way when its process died"
    if recorded.outcome is Outcome.COMPLETED or recorded.error is None:
        return "had a result that could not be journaled"
    if recorded.given_up:
        return "was given up by the program then, and is not now"
    return f"ended with {recorded.error.qualname}, which is not raised again"
