"""Changed copies of LangGraph's records: a scratchpad and a runtime for each tool call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def is_record(value: object) -> bool:
    """Is this an instance of a dataclass?"""
    return hasattr(type(value), "__dataclass_fields__")


def changed(record: T, **fields: Any) -> T:
    """As ``dataclasses.replace``, which looks at every field anew."""
    cls: Any = type(record)
    names, values_of = _reader(cls)
    made: T = cls(**{**dict(zip(names, values_of(record), strict=True)), **fields})
    return made


@cache
def _reader(cls: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(field.name for field in dataclasses.fields(cls) if field.init)
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda record: tuple(getattr(record, name) for name in names)
