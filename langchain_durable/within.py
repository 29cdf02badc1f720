"""Values of context variables that hold for a block."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Generic, TypeVar

T = TypeVar("T")


class Within(Generic[T]):
    """While this is open, a context variable has this value. It may be opened again and again.

    A call that its event loop has abandoned is closed in another context than it was opened in.
    There the variable stays as it is.
    """

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token: Token[T] = self._variable.set(self._value)

    def __exit__(self, *raised: object) -> None:
        try:
            self._variable.reset(self._token)
        except ValueError:
            return
