"""Async twins of sync methods: generated, so that none is written twice."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class InThread(Protocol):
    """Has threads to call blocking methods on."""

    async def in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T: ...


S = TypeVar("S", bound=InThread)


def twin(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """An async method that calls the sync one, as the object's class has it, on a thread."""

    @functools.wraps(method)
    async def call(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        own = getattr(self, method.__name__)
        return await self.in_thread(own, *args, **kwargs)

    return call  # type: ignore[return-value]  # wraps() hides that it can be bound
