"""Tickets whose answer takes more than one command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from langchain_durable.waiting import Procedure, adrive, drive

T = TypeVar("T")


class Later(Generic[T]):
    """A ticket that runs a procedure when it is first asked for its result."""

    __slots__ = ("_done", "_procedure", "_value")

    def __init__(self, procedure: Callable[[], Procedure[T]]) -> None:
        self._procedure = procedure
        self._done = False
        self._value: T | None = None

    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        if not self._done:
            self._keep(drive(self._procedure()))
        return self._value  # type: ignore[return-value]  # kept above, or by an earlier call

    async def aresult(self) -> T:
        if not self._done:
            self._keep(await adrive(self._procedure()))
        return self._value  # type: ignore[return-value]  # kept above, or by an earlier call

    def _keep(self, value: T) -> None:
        self._value = value
        self._done = True
