"""Putting our wrapper around a provider's method, in the method's own colour."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from langchain_durable.events import StepKind
from langchain_durable.intercept.claims import claim
from langchain_durable.intercept.step import Step
from langchain_durable.waiting import Procedure, adrive, drive

Original = Callable[..., Any]
Bound = functools.partial[Any]
"""A provider's method with its object, which is ``args[0]``."""

CallProcedure = Callable[[Step, Bound, tuple[Any, ...], dict[str, Any]], Procedure[Any]]
"""Makes the procedure for a step: ``(step, bound original, args, kwargs)``."""


def sync_method(original: Original, kind: StepKind, record: CallProcedure) -> Original:
    """The wrapper of a method that blocks."""

    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        step = claim(kind, kwargs)
        if step is None:
            return original(self, *args, **kwargs)
        return drive(record(step, functools.partial(original, self), args, kwargs))

    return wrapper


def async_method(original: Original, kind: StepKind, record: CallProcedure) -> Original:
    """The wrapper of a coroutine method."""

    @functools.wraps(original)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        step = claim(kind, kwargs)
        if step is None:
            return await original(self, *args, **kwargs)
        return await adrive(record(step, functools.partial(original, self), args, kwargs))

    return wrapper
