"""Making a call durable: take the run, make it active around the call, give the run back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_durable.identity.tree import Tree
from langchain_durable.intercept.active import active, deactivate
from langchain_durable.intercept.tracker import PathTracker, RunTracker
from langchain_durable.recorder.acquire import acquire
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.ending import abort, finish
from langchain_durable.recorder.request import Request, Stored
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Call, Procedure, adrive, drive


class Connection(Protocol):
    """A handle's way to its store: made at the first use, which may block."""

    def connected(self) -> Procedure[Runtime]: ...


Prepare = Callable[[Attempt], Any]
"""Makes the config for the call, once the attempt is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One durable call to come: which run, and what to ask for."""

    connection: Connection
    run_id: str
    request: Request
    top_by_ordinal: bool = True
    prepare: Prepare = lambda attempt: None
    settle: Callable[[Attempt, Any], Procedure[None]] | None = None
    """What to do when the call has returned, before the run ends (flush a saver)."""

    def open(self) -> Procedure[Taken | Stored]:
        """Take the run, or get its stored result."""
        runtime = yield from self.connection.connected()
        attempt = Attempt(
            run_id=self.run_id,
            codec=runtime.codec,
            settings=runtime.settings,
            tree=Tree(top_by_ordinal=self.top_by_ordinal),
        )
        stored = yield from acquire(runtime, attempt, self.request)
        if stored is not None:
            return stored
        return Taken(running=self, runtime=runtime, attempt=attempt)

    def whole(self, function: Callable[[Any], Any]) -> Procedure[Any]:
        """The call from taking the run to giving it back: ``function(config)`` in between."""
        taken = yield from self.open()
        if isinstance(taken, Stored):
            return taken.value
        try:
            with activated(taken.attempt):
                value = yield Call(lambda: function(taken.config()))
        except BaseException as exc:
            yield from taken.abort(exc)
            raise
        yield from taken.close(value, keep_result=True)
        return value

    def replayed_or_live(self) -> Procedure[Taken]:
        """Take the run for a call whose stored result would be of no use, such as a stream."""
        taken = yield from self.open()
        assert isinstance(taken, Taken)  # only a request for the stored result gets one
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A durable call under way, with the runtime that it was opened with.

    It is given back there: a handle that was closed meanwhile must not connect again for it.
    """

    running: Running
    runtime: Runtime
    attempt: Attempt

    def config(self) -> Any:
        """The config for the call. To make it may fail, as the call itself may."""
        return self.running.prepare(self.attempt)

    def close(self, value: Any, *, keep_result: bool) -> Procedure[None]:
        """The program has returned."""
        try:
            if self.running.settle is not None:
                yield from self.running.settle(self.attempt, value)
        except BaseException as exc:
            yield from self.abort(exc)
            raise
        yield from finish(self.runtime, self.attempt, value, keep_result=keep_result)

    def abort(self, exc: BaseException) -> Procedure[None]:
        """The program has ended with an exception."""
        yield from abort(self.runtime, self.attempt, exc)


@contextmanager
def activated(attempt: Attempt) -> Iterator[RunTracker]:
    """Make an attempt the active one in this context."""
    tracker, before = PathTracker(attempt), active.get()
    active.set(tracker)
    try:
        with attempt.trace.current():
            yield tracker
    finally:
        deactivate(tracker, before)


def call(running: Running, function: Callable[[Any], Any]) -> Any:
    """Make a durable call from this thread."""
    return drive(running.whole(function))


async def acall(running: Running, function: Callable[[Any], Any]) -> Any:
    """Make a durable call on this event loop."""
    return await adrive(running.whole(function))
