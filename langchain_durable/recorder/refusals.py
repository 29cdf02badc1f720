"""Why a run cannot be taken, as the errors that its caller sees."""

from __future__ import annotations

import json
import logging

from langchain_durable.errors import (
    JournalGap,
    JournalTooNew,
    RunCrashLoop,
    RunExpired,
    RunInputMismatch,
    RunNotFound,
)
from langchain_durable.identity.fingerprint import fingerprint_keys
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
