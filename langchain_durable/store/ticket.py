"""The answer to come to a command that was posted to the writer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from langchain_durable.store.loops import Watcher
from langchain_durable.store.resp import Command

T = TypeVar("T")


class Lane:
    """Commands that fail together: the appends of one lease.

    An error that nobody has been told yet stays here, for the next append.
    """

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None


class Waiter(Protocol):
    """What a ticket asks of its writer."""

    def wait(self, ticket: Posted[Any]) -> None: ...

    def watch(self, ticket: Posted[Any], watcher: Watcher) -> None: ...


class Posted(Generic[T]):
    """A ticket for one or more commands that travel together.

    ``answered`` is what ``done()`` says, for those who ask all the time.
    """

    __slots__ = (
        "_decode",
        "_error",
        "_gates",
        "_value",
        "_writer",
        "answered",
        "commands",
        "lane",
        "replies",
        "size",
        "watchers",
    )

    def __init__(
        self,
        writer: Waiter,
        commands: Sequence[Command],
        decode: Callable[[list[Any]], T],
        lane: Lane | None = None,
        size: int = 0,
    ) -> None:
        self._writer = writer
        self._decode = decode
        self._error: Exception | None = None
        self._gates: list[threading.Lock] | None = None
        self._value: T | None = None
        self.answered = False
        self.commands = commands
        self.lane = lane
        self.replies: list[Any] = []
        self.size = size
        self.watchers: list[Watcher] | None = None

    def done(self) -> bool:
        return self.answered

    def result(self) -> T:
        if not self.answered:
            self._writer.wait(self)
        return self._take()

    async def aresult(self) -> T:
        if not self.answered:
            loop = asyncio.get_running_loop()
            answered = loop.create_future()
            self._writer.watch(self, (loop, answered))
            await answered
        return self._take()

    def _take(self) -> T:
        if self._error is not None:
            if self.lane is not None and self.lane.error is self._error:
                self.lane.error = None
            raise self._error
        return self._value  # type: ignore[return-value]  # set when it was answered

    def answer(self) -> None:
        """Decode the replies; called once they are all there, by whoever has read them."""
        if self.answered:
            return
        try:
            self._value = self._decode(self.replies)
        except Exception as exc:
            self._fail(exc)
        self.answered = True
        if self._gates is not None:
            self.nudge()

    def fail(self, error: Exception) -> None:
        """Give it up."""
        if not self.answered:
            self._fail(error)
            self.answered = True
            self.nudge()

    def _fail(self, error: Exception) -> None:
        if self.lane is not None:
            # What failed before, and was told to nobody, is why this one fails.
            error = self.lane.error = self.lane.error or error
        self._error = error

    def gate(self) -> threading.Lock:
        """A lock that is released when the ticket is done or its thread should lead."""
        gate = threading.Lock()
        gate.acquire()
        if self._gates is None:
            self._gates = [gate]
        else:
            self._gates.append(gate)
        return gate

    def nudge(self) -> None:
        """Wake the threads that wait at a gate of this ticket."""
        gates, self._gates = self._gates, None
        for gate in gates or ():
            gate.release()

    def forget(self) -> None:
        """Let go of what was sent, once no connection can have it sent again."""
        self.commands = ()
        self.replies = []


def refused(writer: Waiter, lane: Lane) -> Posted[None]:
    """A ticket that fails with the error its lane had before."""
    ticket: Posted[None] = Posted(writer, (), _nothing, lane)
    if lane.error is not None:
        ticket.fail(lane.error)
    return ticket


def _nothing(replies: list[Any]) -> None:
    return None
