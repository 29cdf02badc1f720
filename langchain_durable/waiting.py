"""Code that waits, written once for sync and async callers.

A procedure is a generator that yields what it waits for, such as a :class:`Ticket`, and gets
back its result. ``drive`` runs it in the calling thread, ``adrive`` on the calling event
loop. So a procedure holds the decisions and no I/O, and no method exists twice by hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Ticket(Protocol[T_co]):
    """The answer to come to something that was asked of a store.

    ``result`` blocks the calling thread, ``aresult`` only the calling task; either may
    be called more than once, and by nobody at all.
    """

    def done(self) -> bool: ...

    def result(self) -> T_co: ...

    async def aresult(self) -> T_co: ...


class Ready(Generic[T]):
    """A ticket that already has its answer, or its error."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: T | None = None, error: BaseException | None = None) -> None:
        self._value = value
        self._error = error

    def done(self) -> bool:
        return True

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # an error or a value was given

    async def aresult(self) -> T:
        return self.result()


class Pause:
    """Wait so many seconds."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def result(self) -> None:
        time.sleep(self._seconds)

    async def aresult(self) -> None:
        await asyncio.sleep(self._seconds)


class Blocking:
    """Call this function, which may block: async callers get it from a thread."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def result(self) -> Any:
        return self._call()

    async def aresult(self) -> Any:
        return await asyncio.to_thread(self._call)


class Call:
    """Call the program's own function; on an event loop, what it returns is awaited."""

    __slots__ = ("aresult", "result")

    def __init__(self, function: Callable[[], Any]) -> None:
        self.result = self.aresult = function


class Waitable(Protocol):
    """What a procedure can wait for: a ticket is, and what stands above."""

    @property
    def result(self) -> Callable[[], Any]: ...

    @property
    def aresult(self) -> Callable[[], Awaitable[Any]]: ...


Procedure = Generator[Waitable, Any, T]


def drive(procedure: Procedure[T]) -> T:
    """Run a procedure in this thread."""
    try:
        waitable = next(procedure)
        while True:
            try:
                answer = waitable.result()
            except BaseException as exc:
                waitable = procedure.throw(exc)
            else:
                waitable = procedure.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the generator's return value is T


async def adrive(procedure: Procedure[T]) -> T:
    """Run a procedure on this event loop, which is never blocked."""
    try:
        waitable = next(procedure)
        while True:
            try:
                answer = await waitable.aresult()
            except BaseException as exc:
                waitable = procedure.throw(exc)
            else:
                waitable = procedure.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the generator's return value is T
