"""Taking a run: from a call with a ``run_id`` to an attempt that may record, or its result."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_durable.codec import decode_entry, encode_event
from langchain_durable.errors import (
    DurableError,
    JournalCorrupt,
    JournalTooNew,
    RunBusy,
    RunCrashLoop,
    RunExpired,
    RunInputMismatch,
    RunNotFound,
    Unjournalable,
)
from langchain_durable.events import Entry, RunStatus
from langchain_durable.fingerprint import fingerprint, fingerprint_keys
from langchain_durable.journal import (
    FORMAT,
    Header,
    Intent,
    Opened,
    Opening,
    RecordKind,
    Verdict,
)
from langchain_durable.recorder.attempt import Attempt, bind
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.replay import Index
from langchain_durable.waiting import Pause, Procedure

logger = logging.getLogger(__name__)

PAGE = 1000
INPUT = "input"


class _Unknown:
    """The input of a run whose program has not said it."""


UNKNOWN_INPUT = _Unknown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call that wants to be durable.

    ``inputs`` is :data:`UNKNOWN_INPUT` where the program gave none to compare.
    ``must_exist``: the run is known to be there (``resume``). ``stored_result``: a
    completed run is answered with its result instead of being replayed.
    """

    inputs: Any = UNKNOWN_INPUT
    intent: Intent = Intent.CALL
    must_exist: bool = False
    stored_result: bool = False
    version: str = ""
    program: str = ""
    tenant: str = ""
    call: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of a completed run."""

    value: Any


def acquire(runtime: Runtime, attempt: Attempt, request: Request) -> Procedure[Stored | None]:
    """Take the lease for ``attempt`` and load what earlier attempts recorded.

    Returns the stored result instead, if the run is completed and the request wants that.
    Raises the run errors of :mod:`langchain_durable.errors`.
    """
    runtime.claim(attempt)
    try:
        opened = yield from _open(runtime, attempt, request)
        if opened.verdict is Verdict.COMPLETED:
            assert opened.header is not None  # the store's contract for COMPLETED
            return (yield from _completed(runtime, attempt, request, opened.header))
        assert opened.lease is not None  # the store's contract for NEW and ACQUIRED
        index = None
        if opened.header is not None:
            entries = yield from load_entries(runtime, attempt.run_id, upto=opened.lease.seq - 1)
            index = indexed(attempt.run_id, entries)
            attempt.trace.resume(opened.lease.attempt, opened.header, entries)
        else:
            attempt.trace.opened(opened.lease.attempt)
        attempt.opened(
            runtime.store, opened.lease, index, drift_ok=_same_version(opened.header, request)
        )
    except BaseException:
        runtime.free(attempt)
        raise
    runtime.keeper.keep(attempt)
    return None


def _same_version(header: Header | None, request: Request) -> bool:
    if header is None or not header.version or not request.version:
        return True
    return header.version == request.version


def _open(runtime: Runtime, attempt: Attempt, request: Request) -> Procedure[Opened]:
    opening = _opening(runtime, attempt, request)
    waiting: _Wait | None = None
    while True:
        opened: Opened = yield runtime.store.acquire(opening)
        if opened.verdict is Verdict.MISSING and not request.must_exist:
            # Nothing to go on with: the call opens the run.
            opening = replace(opening, intent=Intent.CALL)
        elif opened.verdict is Verdict.HELD and opened.header is not None:
            holder = opened.header.owner
            if holder != opening.evict and runtime.is_dead(holder):
                logger.info("run %r: its owner is dead, taking it over", attempt.run_id)
                opening = replace(opening, evict=holder)
                continue
            waiting = waiting or _Wait(attempt.run_id, runtime.settings.lease)
            yield Pause(waiting.seconds(opened))
        else:
            _refuse(opened, request, attempt.run_id)
            return opened


class _Wait:
    """Waiting for another owner's lease to run out, at most one lease long."""

    def __init__(self, run_id: str, lease: float) -> None:
        self.run_id = run_id
        self.until = time.monotonic() + lease + 1
        self.left_ms: int | None = None
        self.attempt = 0

    def seconds(self, opened: Opened) -> float:
        assert opened.header is not None
        renewed = self.left_ms is not None and opened.held_ms > self.left_ms
        if renewed or time.monotonic() > self.until:
            raise RunBusy(
                self.run_id,
                f"another process is running it and renews its lease ({opened.header.owner}).",
                expected="a run that nobody runs",
                came=f"attempt {opened.header.attempt}, alive",
                do="wait for it, durable.cancel it, or use another run_id",
            )
        if self.left_ms is None:
            logger.warning(
                "run %r is leased by %s; waiting up to %.1f s for that lease to expire",
                self.run_id,
                opened.header.owner,
                opened.held_ms / 1000,
            )
        self.left_ms = opened.held_ms
        return min(0.25, opened.held_ms / 1000 + 0.01)


def _opening(runtime: Runtime, attempt: Attempt, request: Request) -> Opening:
    settings = runtime.settings
    event = attempt.trace.start(settings.clock(), request.program, request.tenant)
    known = request.inputs is not UNKNOWN_INPUT and request.intent is Intent.CALL
    return Opening(
        run_id=attempt.run_id,
        owner=runtime.owner(),
        lease_ms=int(settings.lease * 1000),
        intent=request.intent,
        draft=encode_event(event),
        fingerprint=fingerprint(request.inputs) if known else b"",
        version=request.version,
        fields=_fields(runtime, attempt, request, known=known),
    )


def _fields(
    runtime: Runtime, attempt: Attempt, request: Request, *, known: bool
) -> dict[str, bytes]:
    fields = {
        **attempt.trace.fields(),
        "program": request.program.encode(),
    }
    if request.metadata:
        fields["metadata"] = json.dumps(dict(request.metadata), default=str).encode()
    if known:
        keys = fingerprint_keys(request.inputs)
        fields["input_keys"] = json.dumps({k: v.hex() for k, v in keys.items()}).encode()
        fields.update(_input_field(runtime, attempt, request))
    return fields


def _input_field(runtime: Runtime, attempt: Attempt, request: Request) -> dict[str, bytes]:
    """The input in full, so that another process can resume the run by its id alone."""
    codec, where = runtime.codec, bind(attempt.run_id, b"", INPUT)
    try:
        return {
            INPUT: codec.encode(request.inputs, bind=where),
            "call": codec.encode(dict(request.call), bind=where),
        }
    except Unjournalable as exc:
        logger.warning(
            "run %r: its input cannot be journaled, so it can be resumed by the same call only, "
            "not by its id: %s",
            attempt.run_id,
            exc,
        )
        return {}


def _refuse(opened: Opened, request: Request, run_id: str) -> None:
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
        raise expired(run_id)
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


def expired(run_id: str) -> RunExpired:
    return RunExpired(
        run_id,
        "its journal has reached its time to live.",
        expected="a journal that is kept (7 days after the run's end by default)",
        came="only the run's header",
        do="use a new run_id, and set a longer retention if runs are resumed that late",
    )


def _mismatch(run_id: str, header: Header, request: Request) -> RunInputMismatch:
    stored: dict[str, str] = {}
    try:
        stored = json.loads(header.fields.get("input_keys", b"{}"))
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


def load_index(runtime: Runtime, run_id: str, *, upto: int) -> Procedure[Index]:
    """Read the journal up to a sequence number, and index it."""
    return indexed(run_id, (yield from load_entries(runtime, run_id, upto=upto)))


def load_entries(runtime: Runtime, run_id: str, *, upto: int) -> Procedure[list[Entry]]:
    """Read the journal up to a sequence number. Payloads stay undecoded."""
    entries: list[Entry] = []
    after = 0
    while after < upto:
        records = yield runtime.store.load(run_id, after=after, limit=min(PAGE, upto - after))
        if not records:
            break
        entries += [decode_entry(record) for record in records]
        after = records[-1].seq
    return entries


def indexed(run_id: str, entries: Sequence[Entry]) -> Index:
    """The index of a run's entries."""
    try:
        return Index(entries)
    except (KeyError, AttributeError) as exc:
        raise JournalCorrupt(
            f"The journal of run {run_id!r} does not fit together.",
            expected="every record's step declared before it",
            came=f"an unknown node ({exc})",
            do="do not resume this run; delete it and start anew",
        ) from exc


def _completed(
    runtime: Runtime, attempt: Attempt, request: Request, header: Header
) -> Procedure[Stored | None]:
    runtime.free(attempt)
    if request.stored_result:
        records = yield runtime.store.load(header.run_id, after=header.seq - 1, limit=1)
        last = records[0] if records else None
        if last is not None and last.kind is RecordKind.ATTEMPT_ENDED and last.payload:
            where = bind(header.run_id, b"", "result")
            return Stored(runtime.codec.decode(last.payload, bind=where))
    index = yield from load_index(runtime, header.run_id, upto=header.seq)
    attempt.number = header.attempt
    attempt.opened(runtime.store, None, index, drift_ok=_same_version(header, request))
    return None


def finish(runtime: Runtime, attempt: Attempt, value: Any, *, keep_result: bool) -> Procedure[None]:
    """The program returned: record its result and give the run back."""
    try:
        if attempt.broken is not None:
            raise attempt.broken
        if attempt.interrupted:
            ticket = attempt.end(RunStatus.PAUSED, reason="interrupt")
        else:
            payload = _result(runtime, attempt, value) if keep_result else None
            ticket = attempt.end(RunStatus.COMPLETED, payload=payload)
        yield from attempt.settle(ticket)
    finally:
        runtime.free(attempt)


def _result(runtime: Runtime, attempt: Attempt, value: Any) -> bytes | None:
    try:
        return runtime.codec.encode(value, bind=bind(attempt.run_id, b"", "result"))
    except DurableError as exc:
        logger.warning(
            "run %r: its result cannot be journaled; a later call replays its steps instead: %s",
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
        ticket = attempt.end(status, reason=reason, error=exc)
        if isinstance(exc, Exception):
            yield ticket
        # else we are being cancelled: the record is on its way, nobody may wait
    finally:
        runtime.free(attempt)


def _ending(attempt: Attempt, exc: BaseException) -> tuple[RunStatus, str]:
    if attempt.cancelled:
        return RunStatus.CANCELLED, "cancel"
    if not isinstance(exc, Exception):
        return RunStatus.PAUSED, _PAUSES.get(type(exc).__name__, type(exc).__name__)
    return RunStatus.FAILED, type(exc).__name__


_PAUSES = {
    "GeneratorExit": "stream abandoned",
    "CancelledError": "task cancelled",
    "KeyboardInterrupt": "keyboard interrupt",
    "SystemExit": "exit",
}
