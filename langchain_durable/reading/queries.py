"""Reading and ending runs by their id: procedures that the handle drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from langchain_durable.codec import decode_entry, encode_event
from langchain_durable.errors import ConfigurationError, JournalCorrupt
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    RunStatus,
)
from langchain_durable.journal import (
    Close,
    Header,
    Intent,
    Opened,
    Opening,
    Record,
    Verdict,
)
from langchain_durable.reading.checkpoint import Checkpoint
from langchain_durable.reading.fold import fold
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.loading import PAGE, decode_payload
from langchain_durable.recorder.refusals import expired, not_found
from langchain_durable.recorder.request import INPUT
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Blocking, Procedure

CRASHED = "crashed"
"""What runs are listed by that are said to run, and are held by nobody: ``Header.crashed``."""

_CANCEL = "cancel"
_ALL = 100_000
"""Runs that are looked through for crashed ones, which were updated before those at work."""


def run_status(named: RunStatus | str | None) -> tuple[RunStatus | None, bool]:
    """The status that runs asked for by this name have, and whether only crashed ones are meant.

    Raises ``ConfigurationError`` for a name of none.
    """
    if named == CRASHED:
        return RunStatus.RUNNING, True
    try:
        return None if named is None else RunStatus(named), False
    except ValueError:
        raise ConfigurationError(
            "There is no such run status.",
            expected=", ".join((*RunStatus, CRASHED)),
            came=repr(named),
            do="correct the status",
        ) from None


def header(runtime: Runtime, run_id: str) -> Procedure[Header]:
    """A run's header; raises ``RunNotFound``."""
    found: Header | None = yield runtime.store.header(run_id)
    if found is None:
        raise not_found(run_id)
    return _held(runtime, found)


def listed(
    runtime: Runtime, status: RunStatus | None, limit: int, *, crashed: bool
) -> Procedure[Sequence[Header]]:
    """The runs last updated, newest first; only the ``crashed`` ones among them, if asked for."""
    found: Sequence[Header] = yield runtime.store.headers(
        status=status, limit=_ALL if crashed else limit
    )
    headers: Sequence[Header] = yield Blocking(lambda: [_held(runtime, each) for each in found])
    return [header for header in headers if header.crashed or not crashed][:limit]


def _held(runtime: Runtime, found: Header) -> Header:
    """The header as it stands here: the lease of a process that is known to be dead is over."""
    left = found.lease_ms > 0 and runtime.is_left(found.owner, found.run_id)
    return replace(found, lease_ms=0) if left else found


def entries(
    runtime: Runtime, run_id: str, after: int = 0, *, payloads: bool = True
) -> Procedure[Sequence[Entry]]:
    """The entries behind ``after`` in a run's journal; ``RunNotFound``, ``RunExpired``.

    Without ``payloads`` they are dropped page by page, so that a long run fits into memory.
    """
    read: list[Entry] = []
    page = yield from _first_page(runtime, run_id, after)
    while True:
        found = map(decode_entry, page)
        read += found if payloads else (replace(entry, payload=None) for entry in found)
        if len(page) < PAGE:
            return read
        page = yield runtime.store.load(run_id, after=page[-1].seq, limit=PAGE)


def records(runtime: Runtime, run_id: str) -> Procedure[Sequence[Record]]:
    """A run's journal as the store has it, to be copied; ``RunNotFound``, ``RunExpired``."""
    read: list[Record] = []
    page = yield from _first_page(runtime, run_id, 0)
    while True:
        read += page
        if len(page) < PAGE:
            return read
        page = yield runtime.store.load(run_id, after=page[-1].seq, limit=PAGE)


def _first_page(runtime: Runtime, run_id: str, after: int) -> Procedure[Sequence[Record]]:
    found = yield from header(runtime, run_id)
    if not found.journal_alive:
        raise expired(found)
    page: Sequence[Record] = yield runtime.store.load(run_id, after=after, limit=PAGE)
    return page


def working_attempt(runtime: Runtime, found: Header) -> int | None:
    """The attempt that may be at work on a run now; None if nobody is."""
    held = _held(runtime, found)
    return found.attempt if held.status is RunStatus.RUNNING and not held.crashed else None


def checkpoint(runtime: Runtime, run_id: str) -> Procedure[Checkpoint]:
    """A run's state, folded from its journal."""
    found = yield from header(runtime, run_id)
    read = yield from entries(runtime, run_id)
    return fold(
        found,
        read,
        lambda entry: decode_payload(runtime, run_id, entry),
        read_input=lambda data: runtime.codec.decode(data, bind=bind(run_id, b"", INPUT)),
    )


def take(runtime: Runtime, run_id: str) -> Procedure[Opened]:
    """Ask for a run's lease without going on with it; one that was left does not count."""
    owner = runtime.owner()
    draft = AttemptStarted(
        time=runtime.settings.clock(), owner=owner, span_id=runtime.settings.random_hex(8)
    )
    opening = Opening(
        run_id=run_id,
        owner=owner,
        lease_ms=int(runtime.settings.lease * 1000),
        intent=Intent.CONTINUE,
        draft=encode_event(draft),
    )
    opened: Opened = yield runtime.store.acquire(opening)
    if opened.verdict is Verdict.HELD and opened.header is not None:
        holder = opened.header.owner
        if runtime.is_left(holder, run_id):
            opened = yield runtime.store.acquire(replace(opening, evict=holder))
    return opened


def _end_of_dead(runtime: Runtime, found: Header) -> Procedure[Header]:
    """End a run as cancelled if its process is known to have left it: nobody else would."""
    held = found.status is RunStatus.RUNNING and found.lease_ms > 0
    if not held or not runtime.is_left(found.owner, found.run_id):
        return found
    opened = yield from take(runtime, found.run_id)
    if opened.lease is not None:
        time = runtime.settings.clock()
        event = AttemptEnded(status=RunStatus.CANCELLED, time=time, reason=_CANCEL)
        yield runtime.store.append(
            opened.lease,
            [encode_event(event)],
            seq=opened.lease.seq + 1,
            close=Close(status=RunStatus.CANCELLED, reason=_CANCEL),
        )
    return (yield from header(runtime, found.run_id))


def cancel(runtime: Runtime, run_id: str) -> Procedure[Header]:
    """Ask the run's attempt to stop, or cancel a run that nobody runs."""
    found: Header | None = yield runtime.store.cancel(run_id)
    if found is None:
        raise not_found(run_id)
    for attempt in runtime.active():
        if attempt.run_id == run_id:
            attempt.cancelled = True
    return (yield from _end_of_dead(runtime, found))


def delete(runtime: Runtime, run_id: str, forget_state: Callable[[], None]) -> Procedure[None]:
    """Remove a run; raises ``RunNotFound``, and ``RunBusy`` if its process may be alive.

    ``forget_state`` removes what its graph has stored. That goes first: what is left if
    the server fails in between is a run, which can be deleted again.
    """
    held = yield from _is_held(runtime, run_id)
    if not held:
        yield Blocking(forget_state)
    existed: bool = yield runtime.store.delete(run_id)
    if held:  # it was until now, or the store would have refused
        yield Blocking(forget_state)
    if not existed:
        raise not_found(run_id)


def _is_held(runtime: Runtime, run_id: str) -> Procedure[bool]:
    """Whether a process that may be alive holds a run. One of a dead process is ended."""
    try:
        found: Header | None = yield runtime.store.header(run_id)
    except JournalCorrupt:
        return False  # a run that cannot be read can still be deleted
    if found is None:
        return False
    found = yield from _end_of_dead(runtime, found)
    return found.lease_ms > 0
