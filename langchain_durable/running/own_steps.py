"""Steps of a program's own code: what a function gives is recorded, as what a model says is."""

from __future__ import annotations

import random as random_module
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast, overload

from langchain_durable.running.functions import awaited, called, plain, recorded
from langchain_durable.waiting import adrive, drive

P = ParamSpec("P")
T = TypeVar("T")


class OwnSteps:
    """What a program records of itself: whatever is not the same in every attempt."""

    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value of ``function(*args, **kwargs)``, recorded as a step of the active run."""
        return cast("T", drive(recorded(plain(function), args, kwargs, name=None, call=called)))

    @overload
    async def astep(
        self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @overload
    async def astep(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...

    async def astep(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """As :meth:`step`, on an event loop; a coroutine function's value is awaited."""
        return await adrive(recorded(function, args, kwargs, name=None, call=awaited))

    def now(self) -> float:
        """``time.time()``, the same in every attempt of the active run."""
        return self.step(time.time)

    def random(self) -> float:
        """``random.random()``, the same in every attempt of the active run."""
        return self.step(random_module.random)

    def uuid(self) -> uuid.UUID:
        """``uuid.uuid4()``, the same in every attempt of the active run."""
        return self.step(uuid.uuid4)
