"""The one writer of a store: sync and async callers share its connection and round trips.

Commands are posted to a queue, sent in that order and answered in that order. Whoever
holds the io lock does the sending and reading for everybody: a thread that waits for its
reply (it *leads*, the others find their replies read), an event loop that hears of a reply,
or, where a loop cannot, a thread of the writer's own. A command that was not answered is
kept, and sent again on the next connection; all commands are made to be sent twice.

The io lock is taken by ``with`` wherever Ctrl-C can strike: an ``acquire`` that returns
into a KeyboardInterrupt would never be released.
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
from langchain_durable.store.exchange import Exchange
from langchain_durable.store.forks import forget_after_fork
from langchain_durable.store.io_lock import IoLock
from langchain_durable.store.link import Link
from langchain_durable.store.listening import Listeners
from langchain_durable.store.loops import Watcher, set_all
from langchain_durable.store.refusals import LinkDown, closed, forked, unavailable
from langchain_durable.store.resp import Command
from langchain_durable.store.ticket import Lane, Posted
from langchain_durable.threads import started

T = TypeVar("T")
log = logging.getLogger(__name__)

_SURE_TO_FIT = 16 * 1024
"""Bytes in flight up to which a socket's buffer takes a command without blocking."""
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
        self._reset()
        forget_after_fork(self)

    def _reset(self) -> None:
        self._io = IoLock()
        self._exchange = Exchange(self._link, patience=self._patience, revive=self._revive)
        self._followers: deque[Posted[Any]] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._thread_made = threading.Lock()
        self._rung = False
        self._working = False
        self._reading = False
        self._listeners = Listeners(self._link, self._readable)

    def forget(self) -> None:
        """Start anew in the child of a fork: what is under way belongs to the parent."""
        theirs = self._exchange
        self._listeners.forget()
        self._reset()
        self._link.drop()
        if theirs.closed:
            self._exchange.shut()
        for ticket in (*theirs.inflight, *theirs.queue):
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
        send: bool = True,
    ) -> Posted[T]:
        """Queue commands, and :meth:`send` them; without ``send`` this never blocks."""
        ticket = Posted(self, commands, decode, lane, size)
        if self._exchange.closed:
            ticket.fail(closed(self._link.url))
            return ticket
        self._exchange.queue.append(ticket)
        if send:
            self.send()
        return ticket

    def send(self) -> None:
        """Send what is queued, if the link is free; never blocks an event loop."""
        exchange = self._exchange
        if not exchange.queue:
            return
        if _get_running_loop() is None:
            self._push()
            if exchange.outage.contact and not self._link.is_open:
                self._ring()
        elif self._rung or self._working or self._reading:
            return  # they send what came meanwhile
        elif not self._push_softly():
            self._ring()

    def _push(self) -> None:
        """Send what is queued, unless somebody is at it, who will send it then."""
        exchange, io = self._exchange, self._io
        while exchange.queue and self._link.is_open and not io.locked():
            with io:
                exchange.settle()
        if self._listeners.ears and exchange.inflight:
            self._ring()  # a loop cannot hear of a reply that another thread has taken in

    def _push_softly(self) -> bool:
        """Send what is queued if that cannot block; for event loops."""
        if not self._link.is_open or not self._io.acquire(blocking=False):
            return False
        try:
            if not self._exchange.fits(_SURE_TO_FIT):
                return False
            self._exchange.settle()
        finally:
            self._io.release()
        if self._followers:
            self._hand_over()
        return self._link.is_open and not self._exchange.queue

    def wait(self, ticket: Posted[Any]) -> None:
        """Block this thread until the ticket is done, doing the work if nobody else is."""
        exchange, io = self._exchange, self._io
        while not ticket.answered:
            if io.locked():
                gate = ticket.gate()
                self._followers.append(ticket)
                if ticket.answered:
                    return
                if io.locked():
                    gate.acquire(timeout=_NUDGE_LOST)
                    continue
            with io:
                try:
                    exchange.lead(ticket)
                finally:
                    if exchange.queue or exchange.awaited:
                        exchange.settle()
            if exchange.queue or self._listeners.ears:
                self._push()
            if self._followers:
                self._hand_over()

    def watch(self, ticket: Posted[Any], watcher: Watcher) -> None:
        """Have a future of an event loop set once the ticket is done."""
        if ticket.watchers is None:
            ticket.watchers = [watcher]
        else:
            ticket.watchers.append(watcher)
        if ticket.answered:
            set_all([watcher[1]])
        elif self._exchange.queue or not self._listeners.listen(watcher[0]):
            threadless = self._ring()
            if threadless is not None:
                raise threadless

    def _hand_over(self) -> None:
        """Let a thread lead that waits for a reply which nobody reads now."""
        while self._followers:
            try:
                follower = self._followers.popleft()
            except IndexError:
                return
            if not follower.answered:
                follower.nudge()
                return

    # ------------------------------------------------------------ for event loops

    def _readable(self) -> bool:
        """Read what has come, on an event loop; False if it should listen no more."""
        if not self._io.acquire(blocking=False):
            # Whoever reads now may take in a reply that a task waits for, and leave it.
            return self._ring() is not None
        self._reading = True
        try:
            self._exchange.read_pending()
        except LinkDown:
            threadless = self._ring()
            if threadless is not None:
                self._exchange.give_up(threadless)
            return False
        finally:
            self._reading = False
            try:
                self._exchange.settle()
            finally:
                self._io.release()
        if self._followers:
            self._hand_over()
        return True

    def _ring(self) -> JournalUnavailable | None:
        """Have the writer's own thread send, read, and connect again; or say why there is none.

        What was posted then waits for the next one who sends.
        """
        if self._rung:
            return None
        if self._thread is None:
            with self._thread_made:
                try:
                    self._thread = self._thread or started(self._serve, "langchain-durable-writer")
                except JournalUnavailable as exc:
                    return exc
        self._rung = True
        self._bell.put(None)
        return None

    def _serve(self) -> None:
        while True:
            self._bell.get()
            self._working = True
            self._rung = False
            while True:
                if self._exchange.closed:
                    return
                self._turn()
                if self._exchange.queue:
                    continue
                self._working = False
                # A caller that saw us at work relied on us to send what it queued.
                if not self._exchange.queue:
                    break
                self._working = True

    def _turn(self) -> None:
        """Send what is queued and read all replies that are due."""
        exchange = self._exchange
        with self._io:
            try:
                if (due := exchange.due) is not None:
                    exchange.lead(due)
            except Exception as exc:
                # There is no caller on this thread who could be told.
                log.exception("the journal's writer failed")
                exchange.give_up(unavailable(self._link.url, exc, 0.0))
            finally:
                exchange.settle()
        self._push()
        self._hand_over()

    # --------------------------------------------------------------------- ending

    def close(self, patience: float = 5.0) -> None:
        """Send and read what is under way for at most ``patience`` seconds, then disconnect."""
        exchange = self._exchange
        if exchange.closed:
            return
        deadline = time.monotonic() + patience
        exchange.outage.patience = min(exchange.outage.patience, patience)
        if exchange.due is not None and self._io.acquire(timeout=patience):
            try:
                while (due := exchange.due) is not None and time.monotonic() < deadline:
                    exchange.lead(due)
            finally:
                self._io.release()
        exchange.shut()
        self._listeners.close()
        if self._io.acquire(timeout=patience):
            try:
                exchange.give_up(closed(self._link.url))
                exchange.settle()
                self._link.close()
            finally:
                self._io.release()
        self._hand_over()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._bell.put(None)
            thread.join(patience)
