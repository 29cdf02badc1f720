"""What is only observed must not stop a program."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec

from langchain_durable.costs.once import Once

P = ParamSpec("P")

once = Once(logging.getLogger(__name__))


def harmless(record: Callable[P, None]) -> Callable[P, None]:
    """The same function, whose exceptions are logged instead, the first as a warning."""

    @functools.wraps(record)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            record(*args, **kwargs)
        except Exception:
            once.warn(
                record.__name__,
                "A metric could not be recorded (%s). Further failures are not reported.",
                record.__name__,
                exc_info=True,
            )

    return guarded
