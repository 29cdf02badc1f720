"""The one writer of a store: sync and async callers share its connection and round trips.

Commands are posted to a queue, sent in that order and answered in that order. Whoever
holds the io lock does the sending and reading for everybody: a thread that waits for its
reply (it *leads*, the others find their replies read), or, for event loops, a thread of
the writer's own. A command that was not answered is kept, and sent again on the next
connection; all commands are made to be sent twice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import random
import threading
import time
import weakref
from asyncio import _get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from langchain_durable.errors import JournalUnavailable
from langchain_durable.store.link import Link
from langchain_durable.store.refusals import LinkDown, is_auth, unavailable
from langchain_durable.store.ticket import Command, Lane, Posted, Watcher

T = TypeVar("T")
log = logging.getLogger(__name__)

_FIRST_CONTACT = 5.0
"""A server that was never reached is more likely a wrong URL than one that restarts."""
_SURE_TO_FIT = 16 * 1024
"""Bytes in flight up to which a socket's buffer takes a command without blocking."""
_UNREAD = 64
"""Unawaited commands after which their replies are read."""
_NUDGE_LOST = 1.0

_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
_fork_hook = False


def _after_fork() -> None:
    for writer in list(_writers):
        writer.forget()


class Writer:
    """Posts commands to a link and hands out tickets for their replies."""

    def __init__(
        self,
        link: Link,
        *,
        retry_for: float = 30.0,
        revive: Callable[[], None] | None = None,
    ) -> None:
        global _fork_hook
        self._link = link
        self._retry_for = retry_for
        self._revive = revive
        self._reset()
        _writers.add(self)
        if not _fork_hook and hasattr(os, "register_at_fork"):
            _fork_hook = True
            os.register_at_fork(after_in_child=_after_fork)

    def _reset(self) -> None:
        self._io = threading.Lock()
        self._queue: deque[Posted[Any]] = deque()
        self._inflight: deque[Posted[Any]] = deque()
        self._followers: deque[Posted[Any]] = deque()
        self._awaited: list[Watcher] = []
        self._unanswered = 0
        self._contact = False
        self._down_since: float | None = None
        self._tries = 0
        self._closing = threading.Event()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_made = threading.Lock()
        self._rung = False
        self._working = False

    def forget(self) -> None:
        """Start anew in the child of a fork: what is under way belongs to the parent."""
        theirs = [*self._inflight, *self._queue]
        closed = self._closing.is_set()
        self._reset()
        if closed:
            self._closing.set()
        self._link.drop()
        for ticket in theirs:
            ticket.watchers = None
            ticket.fail(
                JournalUnavailable(
                    "This command was asked for before the process forked.",
                    expected="an answer in the parent process",
                    came="a call in the child",
                    do="ask again in the child",
                )
            )

    # ------------------------------------------------------------------ asking

    def post(
        self,
        commands: Sequence[Command],
        decode: Callable[[list[Any]], T],
        *,
        lane: Lane | None = None,
        size: int = 256,
    ) -> Posted[T]:
        """Queue commands, and send them at once if the link is free."""
        ticket = Posted(self, commands, decode, lane, size)
        if self._closing.is_set():
            ticket.fail(self._closed())
            return ticket
        self._queue.append(ticket)
        if _get_running_loop() is None:
            self._push()
        elif not self._rung and not self._working:
            if self._unanswered + size <= _SURE_TO_FIT and self._link.is_open:
                self._push()
            elif self._contact:
                self._ring()
        return ticket

    def refused(self, lane: Lane) -> Posted[None]:
        """A ticket that fails with the error that its lane had before."""
        ticket: Posted[None] = Posted(self, (), _nothing, lane)
        if lane.error is not None:
            ticket.fail(lane.error)
        return ticket

    def _push(self) -> None:
        """Send what is queued, unless somebody is at it or there is no connection yet."""
        if self._io.acquire(blocking=False):
            self._leave()
        if not self._link.is_open and self._contact and (self._queue or self._inflight):
            self._ring()

    def wait(self, ticket: Posted[Any]) -> None:
        """Block this thread until the ticket is done, doing the work if nobody else is."""
        while not ticket.done():
            if not self._io.acquire(blocking=False):
                gate = ticket.gate()
                self._followers.append(ticket)
                if ticket.done() or not self._io.acquire(blocking=False):
                    gate.acquire(timeout=_NUDGE_LOST)
                    continue
            try:
                self._lead(ticket)
            finally:
                self._leave()

    def watch(self, ticket: Posted[Any], watcher: Watcher) -> None:
        """Have a future of an event loop set once the ticket is done."""
        if ticket.watchers is None:
            ticket.watchers = [watcher]
        else:
            ticket.watchers.append(watcher)
        if ticket.done():
            _set(watcher[1])
        else:
            self._ring()

    # ----------------------------------------------------------- with the io lock

    def _lead(self, ticket: Posted[Any]) -> None:
        """Send what is queued and read replies until the ticket is done."""
        while not ticket.done():
            try:
                if not self._link.is_open:
                    self._open()
                self._send()
                while not ticket.done():
                    self._read()
            except LinkDown as down:
                self._recover(down.cause)
            except BaseException:
                # A reply may have been read but not booked: the count would be off by one.
                self._link.drop()
                raise

    def _open(self) -> None:
        """Connect, and send again what was sent and not answered."""
        self._link.open()
        # An interrupt may have left a ticket answered, or in both queues.
        again = dict.fromkeys(ticket for ticket in self._inflight if not ticket.done())
        while self._queue and self._queue[0] in again:
            self._queue.popleft()
        self._inflight = deque(again)
        self._unanswered = sum(ticket.size for ticket in again)
        for ticket in again:
            ticket.replies = []
        if again:
            self._link.send([command for ticket in again for command in ticket.commands])

    def _send(self) -> None:
        count = len(self._queue)
        if not count:
            return
        commands: list[Command] = []
        for _ in range(count):
            ticket = self._queue[0]
            self._inflight.append(ticket)
            self._queue.popleft()
            self._unanswered += ticket.size
            commands.extend(ticket.commands)
        self._link.send(commands)

    def _read(self) -> None:
        """Read one reply; its ticket is answered with its last one."""
        ticket = self._inflight[0]
        if len(ticket.replies) < len(ticket.commands):
            ticket.replies.append(self._link.read())
            self._contact = True
            self._down_since = None
        if len(ticket.replies) >= len(ticket.commands):
            self._finish(ticket)
            self._inflight.popleft()
            self._unanswered -= ticket.size

    def _finish(self, ticket: Posted[Any], error: Exception | None = None) -> None:
        if error is None:
            ticket.answer()
        else:
            ticket.fail(error)
        if ticket.watchers:
            self._awaited.extend(ticket.watchers)
            ticket.watchers = None

    def _leave(self) -> None:
        """Send what was queued meanwhile, give the io lock back, and wake who waits."""
        while True:
            try:
                if self._link.is_open:
                    self._send()
                    while len(self._inflight) > _UNREAD and _get_running_loop() is None:
                        self._read()
            except LinkDown:
                self._link.drop()
            except BaseException:
                self._link.drop()
                raise
            finally:
                awaited, self._awaited = self._awaited, []
                self._io.release()
                if awaited:
                    _wake(awaited)
            if not self._queue or not self._link.is_open:
                break
            if not self._io.acquire(blocking=False):
                break
        while self._followers:
            try:
                follower = self._followers.popleft()
            except IndexError:
                break
            if not follower.done():
                follower.nudge()
                break

    # ------------------------------------------------------------- lost connections

    def _recover(self, cause: BaseException) -> None:
        """Connect and send again what was not answered, or give it all up."""
        started = time.monotonic()
        if self._down_since is None:
            self._down_since = started
            self._tries = 0
        while True:
            self._link.drop()
            limit = self._retry_for if self._contact else min(self._retry_for, _FIRST_CONTACT)
            waited = time.monotonic() - self._down_since
            if is_auth(cause) or (waited >= limit and self._tries):
                self._give_up(unavailable(self._link.url, cause, waited))
                return
            if self._tries == 1:
                log.warning(
                    "no connection to the journal at %s (%s); trying for %.0f s",
                    self._link.url,
                    cause,
                    limit,
                )
            if self._closing.wait(min(_backoff(self._tries), max(0.0, limit - waited))):
                self._give_up(self._closed())
                return
            self._tries += 1
            try:
                if self._revive is not None:
                    self._revive()
                self._open()
                return
            except LinkDown as down:
                cause = down.cause
            except Exception as exc:
                log.warning("the journal's server could not be revived: %s", exc)
                cause = exc

    def _give_up(self, error: JournalUnavailable) -> None:
        self._down_since = None
        self._unanswered = 0
        for waiting in (self._inflight, self._queue):
            while waiting:
                self._finish(waiting[0], error)
                waiting.popleft()

    def _closed(self) -> JournalUnavailable:
        return JournalUnavailable(
            f"The journal at {self._link.url} was closed.",
            expected="an open store",
            came="a call after close()",
            do="close the store after the last run has ended",
        )

    # --------------------------------------------------------- for event loops

    def _ring(self) -> None:
        """Have the writer's own thread send, read, and connect again."""
        if self._rung:
            return
        self._rung = True
        if self._thread is None:
            with self._thread_made:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._serve, name="langchain-durable-writer", daemon=True
                    )
                    self._thread.start()
        self._bell.put(None)

    def _serve(self) -> None:
        while True:
            self._bell.get()
            self._working = True
            self._rung = False
            if self._closing.is_set():
                return
            while True:
                self._turn()
                if self._queue:
                    continue
                self._working = False
                # A caller that saw us at work relied on us to send what it queued.
                if not self._queue:
                    break
                self._working = True

    def _turn(self) -> None:
        """Send what is queued and read all replies that are due."""
        self._io.acquire()
        try:
            due = self._queue or self._inflight
            if due:
                self._lead(due[-1])
        except Exception as exc:
            # Nobody would be told otherwise: there is no caller on this thread.
            log.exception("the journal's writer failed")
            self._give_up(unavailable(self._link.url, exc, 0.0))
        finally:
            self._leave()

    # ------------------------------------------------------------------- ending

    def close(self, patience: float = 5.0) -> None:
        """Send and read what is under way for at most ``patience`` seconds, then disconnect."""
        if self._closing.is_set():
            return
        deadline = time.monotonic() + patience
        if self._queue or self._inflight:
            self._retry_for = min(self._retry_for, patience)
            if self._io.acquire(timeout=patience):
                try:
                    while self._inflight and time.monotonic() < deadline:
                        self._lead(self._inflight[-1])
                finally:
                    self._leave()
        self._closing.set()
        if self._io.acquire(timeout=patience):
            try:
                self._give_up(self._closed())
                self._link.close()
            finally:
                self._leave()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._bell.put(None)
            thread.join(patience)


def _nothing(replies: list[Any]) -> None:
    return None


def _backoff(tries: int) -> float:
    """Seconds before a try: the first goes at once, then 50 ms doubling up to 2 s."""
    if tries == 0:
        return 0.0
    return min(2.0, 0.05 * 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)


def _set(answered: asyncio.Future[None]) -> None:
    if not answered.done():
        answered.set_result(None)


def _set_all(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        _set(future)


def _wake(awaited: list[Watcher]) -> None:
    """Wake event loops: one call per loop, however many of its tasks wait."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for loop, future in awaited:
        loops.setdefault(loop, []).append(future)
    for loop, futures in loops.items():
        try:
            loop.call_soon_threadsafe(_set_all, futures)
        except RuntimeError:
            log.debug("an event loop was closed while its tasks waited for the journal")
