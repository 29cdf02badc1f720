"""What is only told must not stop a program, nor keep its steps out of the journal."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from langchain_durable.costs.once import Once

P = ParamSpec("P")
T = TypeVar("T")

once = Once(logging.getLogger(__name__))


def harmless(otherwise: Callable[[], T]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The same function, that gives ``otherwise()`` instead of raising, and warns once."""

    def guarding(tell: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(tell)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return tell(*args, **kwargs)
            except Exception:
                warn(tell.__name__)
                return otherwise()

        return guarded

    return guarding


def nothing() -> None:
    """What is given where nothing is wanted."""


def warn(what: str) -> None:
    """Say once in the process's life that spans are not what they should be; for a handler."""
    once.warn(
        what,
        "A span is missing or not whole (%s failed). The program goes on, and its journal is "
        "whole. Further failures are not reported.",
        what,
        exc_info=True,
    )
