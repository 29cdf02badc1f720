"""Sending commands and reading replies over a link that may be lost.

Only the holder of the writer's io lock may touch an exchange, but for ``post``.
"""

from __future__ import annotations

import logging
import threading
from asyncio import _get_running_loop
from collections import deque
from collections.abc import Callable
from typing import Any

from langchain_durable.errors import JournalUnavailable
from langchain_durable.store.link import Link
from langchain_durable.store.loops import Watcher, wake
from langchain_durable.store.outage import Outage
from langchain_durable.store.refusals import LinkDown, closed, unavailable
from langchain_durable.store.resp import Command
from langchain_durable.store.ticket import Posted

log = logging.getLogger(__name__)

_UNREAD = 64
"""Unawaited commands after which their replies are read."""


class Exchange:
    """The tickets asked for and those under way, in order.

    Ctrl-C may strike anywhere: a ticket leaves a queue only after it stands in the next
    one, and a connection on which the count of replies may be off is dropped.
    """

    def __init__(self, link: Link, *, patience: float, revive: Callable[[], None] | None) -> None:
        self.link = link
        self.queue: deque[Posted[Any]] = deque()
        self.inflight: deque[Posted[Any]] = deque()
        self.outage = Outage(patience)
        self.closed = False
        self._revive = revive
        self.awaited: list[Watcher] = []
        self._unanswered = 0
        # Not an Event: Ctrl-C in its wait() would leave its inner lock taken.
        self._until_closed = threading.Lock()
        self._until_closed.acquire()

    @property
    def due(self) -> Posted[Any] | None:
        """The last ticket that has no answer yet."""
        waiting = self.queue or self.inflight
        return waiting[-1] if waiting else None

    def fits(self, limit: int) -> bool:
        """Whether all that has no answer is smaller than so many bytes."""
        # Another thread may add to the queue meanwhile.
        queued = [ticket.size for ticket in tuple(self.queue)]
        return self._unanswered + sum(queued) <= limit

    def shut(self) -> None:
        """Refuse what is asked from now on, and end the wait for a lost server."""
        if not self.closed:
            self.closed = True
            self._until_closed.release()

    def lead(self, ticket: Posted[Any]) -> None:
        """Send what is queued and read replies until the ticket is done."""
        while not ticket.answered:
            try:
                if not self.link.is_open:
                    self._open()
                if self.queue:
                    self._send()
                while not ticket.answered:
                    self._read()
            except LinkDown as down:
                self._recover(down.cause)
            except BaseException:
                self.link.drop()
                raise

    def read_pending(self) -> None:
        """Read the replies that are there, and wait for none."""
        try:
            while self.inflight and self.link.pending():
                self._read()
        except BaseException:
            self.link.drop()
            raise

    def settle(self) -> None:
        """Send what was queued meanwhile, and wake the tasks that have their answer."""
        try:
            if self.queue and self.link.is_open:
                self._send()
                while len(self.inflight) > _UNREAD and _get_running_loop() is None:
                    self._read()
        except LinkDown:
            self.link.drop()
        except BaseException:
            self.link.drop()
            raise
        if self.awaited:
            wake(self.awaited)
            self.awaited = []

    def _send(self) -> None:
        commands: list[Command] = []
        for _ in range(len(self.queue)):
            ticket = self.queue[0]
            self.inflight.append(ticket)
            self.queue.popleft()
            self._unanswered += ticket.size
            commands += ticket.commands
        self.link.send(commands)

    def _read(self) -> None:
        """Read one reply; its ticket is answered with its last one."""
        ticket = self.inflight[0]
        replies = ticket.replies
        replies.append(self.link.read())
        if self.outage.silent:
            self.outage.heard()
        if len(replies) == len(ticket.commands):
            ticket.answer()
            if ticket.watchers is not None:
                self._note_awaited(ticket)
            self.inflight.popleft()
            self._unanswered -= ticket.size
            ticket.forget()

    def _note_awaited(self, ticket: Posted[Any]) -> None:
        if ticket.watchers:
            self.awaited += ticket.watchers
            ticket.watchers = None

    def _open(self) -> None:
        """Connect, and send again what was sent and not answered."""
        self.link.open()
        # An interrupt may have left a ticket answered, or in both queues.
        again = dict.fromkeys(ticket for ticket in self.inflight if not ticket.answered)
        for ticket in self.inflight:
            if ticket.answered:
                self._note_awaited(ticket)
        while self.queue and self.queue[0] in again:
            self.queue.popleft()
        self.inflight = deque(again)
        self._unanswered = sum(ticket.size for ticket in again)
        for ticket in again:
            ticket.replies = []
        if again:
            self.link.send([command for ticket in again for command in ticket.commands])

    def _recover(self, cause: BaseException) -> None:
        """Connect and send again what was not answered, or give it all up."""
        while True:
            self.link.drop()
            delay = self.outage.delay(self.link.url, cause)
            if delay is None:
                self.give_up(unavailable(self.link.url, cause, self.outage.waited))
                return
            if self.closed or self._until_closed.acquire(timeout=delay):
                self.give_up(closed(self.link.url))
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

    def give_up(self, error: JournalUnavailable) -> None:
        self.outage.over()
        self._unanswered = 0
        for waiting in (self.inflight, self.queue):
            while waiting:
                waiting[0].fail(error)
                self._note_awaited(waiting[0])
                waiting.popleft().forget()
