"""Code that waits, written once for sync and async callers.

A procedure is a generator that yields what it waits for, a :class:`Ticket` or a
:class:`Pause`, and gets back the ticket's result. ``drive`` runs it in the calling
thread, ``adrive`` on the calling event loop. So a procedure holds the decisions and
no I/O, and no method exists twice by hand.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Blocking:
    """Call this function, which may block: async callers get it from a thread."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """Call the program's own function; on an event loop, what it returns is awaited."""

    function: Callable[[], Any]


Waitable = Ticket[Any] | Pause | Blocking | Call
Procedure = Generator[Waitable, Any, T]


def drive(procedure: Procedure[T]) -> T:
    """Run a procedure in this thread."""
    try:
        waitable = next(procedure)
        while True:
            try:
                answer = _wait(waitable)
            except BaseException as exc:
                waitable = procedure.throw(exc)
            else:
                waitable = procedure.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the generator's return value is T


def _wait(waitable: Waitable) -> Any:
    if isinstance(waitable, Call):
        return waitable.function()
    if isinstance(waitable, Pause):
        return time.sleep(waitable.seconds)
    if isinstance(waitable, Blocking):
        return waitable.call()
    return waitable.result()


async def adrive(procedure: Procedure[T]) -> T:
    """Run a procedure on this event loop, which is never blocked."""
    try:
        waitable = next(procedure)
        while True:
            try:
                answer = await _await(waitable)
            except BaseException as exc:
                waitable = procedure.throw(exc)
            else:
                waitable = procedure.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # the generator's return value is T


async def _await(waitable: Waitable) -> Any:
    if isinstance(waitable, Call):
        return await waitable.function()
    if isinstance(waitable, Pause):
        return await asyncio.sleep(waitable.seconds)
    if isinstance(waitable, Blocking):
        return await asyncio.to_thread(waitable.call)
    return await waitable.aresult()
