"""What a callable is called, and what it brings along to each of its calls."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import CellType
from typing import Any
from uuid import UUID

_VALUES = (
    *(str, bytes, int, float, complex, tuple, frozenset),
    *(Enum, Decimal, UUID, PurePath, dt.date, dt.time, dt.timedelta),
)


def name_of(function: Callable[..., Any]) -> str:
    """The name that tells one function of a program from another."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__name__))


def brought_by(function: Callable[..., Any]) -> list[Any]:
    """The values that a call is made with besides its arguments; a plain function has none.

    ``step(lambda: fetch(x))`` and ``step(x.upper)`` are other calls for another ``x``. Only what
    cannot change counts: an object or a list may be another one by the time of a resume,
    without the call being another. A partial's arguments are arguments, and count all.
    """
    if isinstance(function, functools.partial):
        return [list(function.args), function.keywords, *brought_by(function.func)]
    held = [getattr(function, "__self__", None), *(getattr(function, "__defaults__", None) or ())]
    cells = getattr(function, "__closure__", None) or ()
    return [value for value in (*held, *map(_content, cells)) if isinstance(value, _VALUES)]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return None
