"""What all runs of one handle share: store, codec, settings, and who is active here."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

from langchain_durable.codec import Codec
from langchain_durable.errors import RunBusy, RunFenced
from langchain_durable.journal import Store
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.keeper import LeaseKeeper
from langchain_durable.recorder.late_leases import LateLeases
from langchain_durable.recorder.settings import Settings
from langchain_durable.waiting import Blocking, Pause, Procedure

_LOOKS, _BETWEEN = 10, 0.02
"""How often, and after how many seconds each, a run is looked at that may be given back."""

_everywhere: dict[int, Attempt] = {}
"""The active attempts of all handles of this process, and after a fork those of its parent."""


def stray_call() -> Attempt | None:
    """A run that is active in this process, for a call that belongs to none.

    Given once a run, so that a thread or executor that was forgotten is warned of once.
    """
    for attempt in tuple(_everywhere.values()):
        if not attempt.warned:
            attempt.warned = True
            return attempt
    return None


class Runtime:
    """The shared side of a handle.

    ``owner`` names this process to other ones; ``is_dead`` tells if another one has died,
    and is true only where that is certain.
    """

    def __init__(
        self,
        *,
        store: Store,
        codec: Codec,
        settings: Settings,
        owner: Callable[[], str],
        is_dead: Callable[[str], bool],
    ) -> None:
        self.store = store
        self.codec = codec
        self.settings = settings
        self.owner = owner
        self.is_dead = is_dead
        self.keeper = LeaseKeeper(store, settings.lease)
        self.late = LateLeases()
        self._active: dict[str, Attempt] = {}
        # Taken twice by a thread that collects garbage, which may be a stream, inside of it.
        self._lock = threading.RLock()

    def claim(self, attempt: Attempt) -> Procedure[None]:
        """Make the run active in this process, or raise ``RunBusy``."""
        other = self._claimed(attempt)
        if other is not None and other.unread:
            yield Blocking(gc.collect)
            other = yield from self._claimed_soon(attempt)
        if other is not None:
            raise _busy(other)

    def _claimed(self, attempt: Attempt) -> Attempt | None:
        """Make the run active, unless it is: then the attempt that it is active with."""
        with self._lock:
            other = self._active.setdefault(attempt.run_id, attempt)
            if other is not attempt:
                return other
            _everywhere[id(attempt)] = attempt
            return None

    def _claimed_soon(self, attempt: Attempt) -> Procedure[Attempt | None]:
        """The same, once the streams that were garbage are closed.

        A web server whose client has left drops its stream, but the frames of a traceback that
        refers to itself may hold it until the garbage is collected. One of an event loop is
        closed by the loop, a moment later.
        """
        for _ in range(_LOOKS):
            other = self._claimed(attempt)
            if other is None:
                return None
            yield Pause(_BETWEEN)
        return other

    def is_left(self, owner: str, run_id: str) -> bool:
        """Whether who holds a run's lease is known to be at it no more.

        It is dead, or this handle, which lost sight of the lease: a call was cancelled while it
        was granted, or the journal could not be told of the run's end.
        """
        if owner == self.owner():
            with self._lock:
                return run_id not in self._active
        return self.is_dead(owner)

    def free(self, attempt: Attempt) -> None:
        """The run is no longer active here."""
        self.keeper.let_go(attempt)
        _everywhere.pop(id(attempt), None)
        with self._lock:
            if self._active.get(attempt.run_id) is attempt:
                del self._active[attempt.run_id]

    def active(self) -> list[Attempt]:
        with self._lock:
            return list(self._active.values())

    def close(self) -> None:
        """Write what is on its way and let the store go. Active runs cannot go on."""
        for attempt in self.active():
            attempt.broken = RunFenced(
                attempt.run_id,
                "its handle was closed while it was active.",
                expected="an open handle until the run has ended",
                came="Durable.close()",
                do="close the handle when its runs have ended; call the run again to go on",
            )
            self.free(attempt)
        self.keeper.stop()
        self.store.close()

    def forget_parent(self) -> None:
        """In a forked child: the parent's runs are not ours."""
        self._lock = threading.RLock()
        for attempt in self._active.values():
            attempt.forget_parent()
        self._active = {}
        self.keeper = LeaseKeeper(self.store, self.settings.lease)
        self.late = LateLeases()


def _busy(other: Attempt) -> RunBusy:
    if other.unread:
        return RunBusy(
            other.run_id,
            "it is active in this process already: a stream of it waits to be read on.",
            expected="streams that are read to their end, or closed",
            came="a second call beside one",
            do="close the stream when it is not read to its end: with contextlib.closing(stream), "
            "or aclosing for an async one",
        )
    return RunBusy(
        other.run_id,
        "it is active in this process already.",
        expected="one top-level call at a time for one run_id",
        came="a second one",
        do="give each call its own run_id, or make both calls inside one durable.run(run_id) block",
    )
