"""Taking a run: from a call with a ``run_id`` to an attempt that may record, or its result."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from functools import partial

from langchain_durable.codec import encode_event
from langchain_durable.errors import RunBusy, Unjournalable, ValueTooLarge
from langchain_durable.identity.fingerprint import fingerprint, fingerprint_keys
from langchain_durable.journal import (
    Header,
    HeaderField,
    Intent,
    Opened,
    Opening,
    RecordKind,
    Verdict,
)
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.ending import RESULT, give_back
from langchain_durable.recorder.loading import decode_payload, indexed, load_entries, load_index
from langchain_durable.recorder.refusals import refuse
from langchain_durable.recorder.request import INPUT, UNKNOWN_INPUT, Request, Stored
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.touchpoints.langgraph import changes_state
from langchain_durable.waiting import Pause, Procedure, Ticket

logger = logging.getLogger(__name__)


def acquire(runtime: Runtime, attempt: Attempt, request: Request) -> Procedure[Stored | None]:
    """Take the lease for ``attempt`` and load what earlier attempts recorded.

    Returns the stored result instead, if the run is completed and the request wants that.
    Raises the run errors of :mod:`langchain_durable.errors`.
    """
    yield from runtime.claim(attempt)
    try:
        opened = yield from _open(runtime, attempt, request)
        if opened.verdict is Verdict.COMPLETED:
            assert opened.header is not None  # the store's contract for COMPLETED
            return (yield from _completed(runtime, attempt, request, opened.header))
        yield from _begin(runtime, attempt, request, opened)
    except BaseException:
        runtime.free(attempt)
        raise
    return None


def _begin(runtime: Runtime, attempt: Attempt, request: Request, opened: Opened) -> Procedure[None]:
    """Have an attempt go on under its new lease, after what earlier ones recorded."""
    lease, index = opened.lease, None
    assert lease is not None  # the store's contract for NEW and ACQUIRED
    try:
        runtime.keeper.keep(attempt)
        if opened.header is not None:
            attempt.input_print = opened.header.fingerprint
            entries = yield from load_entries(runtime, attempt.run_id, upto=lease.seq - 1)
            index = indexed(attempt.run_id, entries)
            decode = partial(decode_payload, runtime, attempt.run_id)
            attempt.trace.resume(lease.attempt, opened.header, entries, decode)
        else:
            attempt.trace.opened(lease.attempt)
    except BaseException as exc:
        give_back(runtime, attempt, lease, exc)
        raise
    attempt.versioned = _versioned(opened.header, request)
    attempt.opened(runtime.store, lease, index, drift_ok=_drift_ok(opened.header, request))


def _versioned(header: Header | None, request: Request) -> bool:
    """Is it known which version of the program each attempt ran?"""
    return bool(request.version) and header is not None and bool(header.version)


def _drift_ok(header: Header | None, request: Request) -> bool:
    """May a step with another input be the one at its place? Not if the program is another, or
    if a person has given the run another state to go on with."""
    if changes_state(request.inputs):
        return False
    if header is None or not header.version or not request.version:
        return True
    return header.version == request.version


def _open(runtime: Runtime, attempt: Attempt, request: Request) -> Procedure[Opened]:
    opening = _opening(runtime, attempt, request)
    waiting: _Wait | None = None
    while True:
        opened = yield from _ask(runtime, attempt, opening)
        if opened.verdict is Verdict.MISSING and not request.must_exist:
            # Nothing to go on with: the call opens the run.
            opening = replace(opening, intent=Intent.CALL)
        elif opened.verdict is Verdict.HELD and opened.header is not None:
            holder = opened.header.owner
            # Ours is one that we lost sight of: the run is claimed, so nobody else here has it.
            ours = holder == opening.owner
            if holder != opening.evict and (ours or runtime.is_dead(holder)):
                logger.info("run %r: its owner has left it, taking it over", attempt.run_id)
                opening = replace(opening, evict=holder)
                continue
            waiting = waiting or _Wait(attempt.run_id, runtime.settings.lease)
            yield Pause(waiting.seconds(opened))
        else:
            refuse(opened, request, attempt.run_id)
            return opened


def _ask(runtime: Runtime, attempt: Attempt, opening: Opening) -> Procedure[Opened]:
    """What the store says; a lease that it grants after we were cancelled is given back."""
    ticket = runtime.store.acquire(opening)
    try:
        opened: Opened = yield ticket
    except Exception:
        raise  # the store's own
    except BaseException as exc:
        runtime.late.add(partial(_give_back_late, runtime, attempt, ticket, exc))
        raise
    return opened


def _give_back_late(
    runtime: Runtime, attempt: Attempt, granted: Ticket[Opened], exc: BaseException
) -> None:
    lease = granted.result().lease
    if lease is not None:
        give_back(runtime, attempt, lease, exc)


class _Wait:
    """Waiting for another owner's lease to run out, at most one lease long."""

    def __init__(self, run_id: str, lease: float) -> None:
        self.run_id = run_id
        self.patience = lease + 1
        self.until = time.monotonic() + self.patience
        self.left_ms: int | None = None

    def seconds(self, opened: Opened) -> float:
        assert opened.header is not None
        if self.left_ms is not None and opened.held_ms > self.left_ms:
            raise RunBusy(
                self.run_id,
                f"another process is running it and renews its lease ({opened.header.owner}).",
                expected="a run that nobody runs",
                came=f"attempt {opened.header.attempt}, alive",
                do="wait for it, durable.cancel it, or use another run_id",
            )
        left = opened.held_ms / 1000
        if time.monotonic() > self.until:
            raise RunBusy(
                self.run_id,
                f"another process has its lease ({opened.header.owner}), which is longer than "
                "ours. Whether that process is alive was not to be seen.",
                expected=f"a lease that ends or is renewed within {self.patience:.1f} s",
                came=f"attempt {opened.header.attempt}, whose lease ends in {left:.1f} s",
                do="call it again then, durable.cancel it, or use another run_id",
            )
        if self.left_ms is None:
            logger.warning(
                "run %r is leased by %s; waiting up to %.1f s for that lease to expire",
                self.run_id,
                opened.header.owner,
                min(left, self.patience),
            )
        self.left_ms = opened.held_ms
        return min(0.25, left + 0.01)


def _opening(runtime: Runtime, attempt: Attempt, request: Request) -> Opening:
    settings = runtime.settings
    owner = runtime.owner()
    event = attempt.trace.start(settings.clock(), request.program, request.tenant, owner)
    known = request.inputs is not UNKNOWN_INPUT and request.intent is Intent.CALL
    attempt.given = request.inputs
    attempt.input_print = fingerprint(request.inputs) if known else b""
    return Opening(
        run_id=attempt.run_id,
        owner=owner,
        lease_ms=int(settings.lease * 1000),
        intent=request.intent,
        draft=encode_event(event),
        fingerprint=attempt.input_print,
        version=request.version,
        fields=_fields(runtime, attempt, request, known=known),
    )


def _fields(
    runtime: Runtime, attempt: Attempt, request: Request, *, known: bool
) -> dict[str, bytes]:
    fields = {
        **attempt.trace.fields(),
        HeaderField.PROGRAM: request.program.encode(),
    }
    if request.metadata:
        fields[HeaderField.METADATA] = json.dumps(dict(request.metadata), default=str).encode()
    if known:
        keys = fingerprint_keys(request.inputs)
        fields[HeaderField.INPUT_KEYS] = json.dumps({k: v.hex() for k, v in keys.items()}).encode()
        fields.update(_input_field(runtime, attempt, request))
    return fields


def _input_field(runtime: Runtime, attempt: Attempt, request: Request) -> dict[str, bytes]:
    """The input in full, so that another process can resume the run by its id alone."""
    codec, where = runtime.codec, bind(attempt.run_id, b"", INPUT)
    try:
        return {
            HeaderField.INPUT: codec.encode(request.inputs, bind=where),
            HeaderField.CALL: codec.encode(dict(request.call), bind=where),
        }
    except (Unjournalable, ValueTooLarge) as exc:
        logger.warning(
            "run %r: its input cannot be journaled, so it can be resumed by the same call only, "
            "not by its id: %s",
            attempt.run_id,
            exc,
        )
        return {}


def _completed(
    runtime: Runtime, attempt: Attempt, request: Request, header: Header
) -> Procedure[Stored | None]:
    runtime.free(attempt)
    if request.stored_result:
        records = yield runtime.store.load(header.run_id, after=header.seq - 1, limit=1)
        last = records[0] if records else None
        if last is not None and last.kind is RecordKind.ATTEMPT_ENDED and last.payload:
            where = bind(header.run_id, b"", RESULT)
            return Stored(runtime.codec.decode(last.payload, bind=where))
    index = yield from load_index(runtime, header.run_id, upto=header.seq)
    attempt.number = header.attempt
    attempt.input_print = header.fingerprint
    attempt.versioned = _versioned(header, request)
    attempt.opened(runtime.store, None, index, drift_ok=_drift_ok(header, request))
    return None
