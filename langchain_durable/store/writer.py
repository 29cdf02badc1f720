"""The one writer of a store: sync and async callers share its connection and round trips.

Commands are posted to a queue, sent in that order and answered in that order. Whoever
holds the io lock does the sending and reading for everybody: a thread that waits for its
reply (it *leads*, the others find their replies read), or, for event loops, a thread of
the writer's own. A command that was not answered is kept, and sent again on the next
connection; all commands are made to be sent twice.

Ctrl-C may strike anywhere. So the io lock is taken by ``with`` wherever a signal can
raise, a ticket leaves a queue only after it stands in the next one, and a connection on
which the count of replies may be off is dropped.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from asyncio import _get_running_loop
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from langchain_durable.errors import JournalUnavailable
from langchain_durable.store.forks import forget_after_fork
from langchain_durable.store.link import Link
from langchain_durable.store.loops import Watcher, set_all, wake
from langchain_durable.store.outage import Outage
from langchain_durable.store.refusals import LinkDown, closed, forked, unavailable
from langchain_durable.store.ticket import Command, Lane, Posted

T = TypeVar("T")
log = logging.getLogger(__name__)

_SURE_TO_FIT = 16 * 1024
"""Bytes in flight up to which a socket's buffer takes a command without blocking."""
_UNREAD = 64
"""Unawaited commands after which their replies are read."""
_NUDGE_LOST = 1.0
"""Seconds after which a waiting thread looks for itself."""


class Writer:
    """Posts commands to a link and hands out tickets for their replies."""

    def __init__(
        self,
        link: Link,
        *,
        retry_for: float = 30.0,
        revive: Callable[[], None] | None = None,
    ) -> None:
        self._link = link
        self._revive = revive
        self._patience = retry_for
        self._closed = False
        self._reset()
        forget_after_fork(self)

    def _reset(self) -> None:
        self._io = threading.Lock()
        self._queue: deque[Posted[Any]] = deque()
        self._inflight: deque[Posted[Any]] = deque()
        self._followers: deque[Posted[Any]] = deque()
        self._awaited: list[Watcher] = []
        self._unanswered = 0
        self._outage = Outage(self._patience)
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_made = threading.Lock()
        self._rung = False
        self._working = False
        # Not an Event: Ctrl-C in its wait() would leave its inner lock taken.
        self._until_closed = threading.Lock()
        self._until_closed.acquire()

    def forget(self) -> None:
        """Start anew in the child of a fork: what is under way belongs to the parent."""
        theirs = [*self._inflight, *self._queue]
        self._reset()
        self._link.drop()
        for ticket in theirs:
            ticket.watchers = None
            ticket.fail(forked())

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
        if self._closed:
            ticket.fail(closed(self._link.url))
            return ticket
        self._queue.append(ticket)
        if _get_running_loop() is None:
            self._push()
            if self._outage.contact and not self._link.is_open:
                self._ring()
        elif not self._rung and not self._working and not self._push_softly():
            self._ring()
        return ticket

    def _push(self) -> None:
        """Send what is queued, unless somebody is at it, who will send it then."""
        while self._queue and self._link.is_open and not self._io.locked():
            with self._io:
                self._settle()

    def _push_softly(self) -> bool:
        """Send what is queued if that cannot block; for event loops."""
        if not self._link.is_open or not self._io.acquire(blocking=False):
            return False
        try:
            if self._unanswered + sum(ticket.size for ticket in self._queue) > _SURE_TO_FIT:
                return False
            self._settle()
        finally:
            self._io.release()
        self._hand_over()
        return not self._queue

    def wait(self, ticket: Posted[Any]) -> None:
        """Block this thread until the ticket is done, doing the work if nobody else is."""
        while not ticket.done():
            if self._io.locked():
                gate = ticket.gate()
                self._followers.append(ticket)
                if ticket.done():
                    return
                if self._io.locked():
                    gate.acquire(timeout=_NUDGE_LOST)
                    continue
            with self._io:
                try:
                    self._lead(ticket)
                finally:
                    self._settle()
            self._push()
            self._hand_over()

    def watch(self, ticket: Posted[Any], watcher: Watcher) -> None:
        """Have a future of an event loop set once the ticket is done."""
        if ticket.watchers is None:
            ticket.watchers = [watcher]
        else:
            ticket.watchers.append(watcher)
        if ticket.done():
            set_all([watcher[1]])
        else:
            self._ring()

    # ------------------------------------------------------- holding the io lock

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
                self._link.drop()
                raise

    def _settle(self) -> None:
        """Send what was queued meanwhile, and wake the tasks that have their answer."""
        try:
            if self._queue and self._link.is_open:
                self._send()
                while len(self._inflight) > _UNREAD and _get_running_loop() is None:
                    self._read()
        except LinkDown:
            self._link.drop()
        except BaseException:
            self._link.drop()
            raise
        if self._awaited:
            wake(self._awaited)
            self._awaited = []

    def _send(self) -> None:
        commands: list[Command] = []
        for _ in range(len(self._queue)):
            ticket = self._queue[0]
            self._inflight.append(ticket)
            self._queue.popleft()
            self._unanswered += ticket.size
            commands += ticket.commands
        if commands:
            self._link.send(commands)

    def _read(self) -> None:
        """Read one reply; its ticket is answered with its last one."""
        ticket = self._inflight[0]
        ticket.replies.append(self._link.read())
        self._outage.heard()
        if len(ticket.replies) == len(ticket.commands):
            ticket.answer()
            self._note_awaited(ticket)
            self._inflight.popleft()
            self._unanswered -= ticket.size
            ticket.forget()

    def _note_awaited(self, ticket: Posted[Any]) -> None:
        if ticket.watchers:
            self._awaited += ticket.watchers
            ticket.watchers = None

    def _open(self) -> None:
        """Connect, and send again what was sent and not answered."""
        self._link.open()
        # An interrupt may have left a ticket answered, or in both queues.
        again = dict.fromkeys(ticket for ticket in self._inflight if not ticket.done())
        for ticket in self._inflight:
            if ticket.done():
                self._note_awaited(ticket)
        while self._queue and self._queue[0] in again:
            self._queue.popleft()
        self._inflight = deque(again)
        self._unanswered = sum(ticket.size for ticket in again)
        for ticket in again:
            ticket.replies = []
        if again:
            self._link.send([command for ticket in again for command in ticket.commands])

    def _recover(self, cause: BaseException) -> None:
        """Connect and send again what was not answered, or give it all up."""
        while True:
            self._link.drop()
            delay = self._outage.delay(self._link.url, cause)
            if delay is None:
                self._give_up(unavailable(self._link.url, cause, self._outage.waited))
                return
            if self._closed or self._until_closed.acquire(timeout=delay):
                self._give_up(closed(self._link.url))
                return
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
        self._outage.over()
        self._unanswered = 0
        for waiting in (self._inflight, self._queue):
            while waiting:
                waiting[0].fail(error)
                self._note_awaited(waiting[0])
                waiting.popleft().forget()

    # -------------------------------------------------- after the io lock was held

    def _hand_over(self) -> None:
        """Let a thread lead that waits for a reply which nobody reads now."""
        while self._followers:
            try:
                follower = self._followers.popleft()
            except IndexError:
                return
            if not follower.done():
                follower.nudge()
                return

    # ------------------------------------------------------------ for event loops

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
            while True:
                if self._closed:
                    return
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
        with self._io:
            try:
                due = self._queue or self._inflight
                if due:
                    self._lead(due[-1])
            except Exception as exc:
                # There is no caller on this thread who could be told.
                log.exception("the journal's writer failed")
                self._give_up(unavailable(self._link.url, exc, 0.0))
            finally:
                self._settle()
        self._push()
        self._hand_over()

    # --------------------------------------------------------------------- ending

    def close(self, patience: float = 5.0) -> None:
        """Send and read what is under way for at most ``patience`` seconds, then disconnect."""
        if self._closed:
            return
        deadline = time.monotonic() + patience
        self._outage.patience = min(self._outage.patience, patience)
        if (self._queue or self._inflight) and self._io.acquire(timeout=patience):
            try:
                while (due := self._queue or self._inflight) and time.monotonic() < deadline:
                    self._lead(due[-1])
            finally:
                self._io.release()
        self._closed = True
        self._until_closed.release()
        if self._io.acquire(timeout=patience):
            try:
                self._give_up(closed(self._link.url))
                self._settle()
                self._link.close()
            finally:
                self._io.release()
        self._hand_over()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._bell.put(None)
            thread.join(patience)
