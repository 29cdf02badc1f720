"""Where messages stand in a value: taken out before it is stored, put back after.

Messages are looked for in the value itself, in lists and in dicts with string keys, and in
what a ``Send`` carries; a snapshot of a delta channel is opened too.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ormsgpack
from langchain_core.messages import BaseMessage

Step = str | int
"""A key, an index or, for a ``Send``, the name of its attribute."""

_DEPTH = 5
_WIDTH = 256

_EXACT = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """The place that messages were taken from. ``bare``: one message, not in a list."""

    path: tuple[Step, ...]
    bare: bool
    messages: Sequence[BaseMessage] = field(repr=False)


def take_out(value: Any) -> tuple[Any, list[Hole]]:
    """The value with None for messages, and the holes; the value given is not changed."""
    holes: list[Hole] = []
    rest = _take(value, (), holes)
    return rest, holes


def _take(value: Any, path: tuple[Step, ...], holes: list[Hole]) -> Any:
    if isinstance(value, BaseMessage):
        holes.append(Hole(path=path, bare=True, messages=(value,)))
        return None
    if type(value) is list:
        if value and all(isinstance(entry, BaseMessage) for entry in value):
            holes.append(Hole(path=path, bare=False, messages=value))
            return None
        return _take_each(value, enumerate(value), path, holes)
    if type(value) is dict:
        return _take_each(value, value.items(), path, holes)
    if _is_send(value) and len(path) < _DEPTH:
        rest = _take(value.arg, (*path, "arg"), holes)
        if rest is not value.arg:
            value = copy.copy(value)
            value.arg = rest
    return value


def _take_each(value: Any, entries: Any, path: tuple[Step, ...], holes: list[Hole]) -> Any:
    if len(path) >= _DEPTH or len(value) > _WIDTH:
        return value
    rest = value
    for key, entry in list(entries):
        if isinstance(entry, str | int | float | bytes | None) or not isinstance(key, str | int):
            continue
        if type(value) is dict and type(key) is not str:
            continue
        changed = _take(entry, (*path, key), holes)
        if changed is not entry:
            if rest is value:
                rest = value.copy()
            rest[key] = changed
    return rest


def _is_send(value: Any) -> bool:
    # By name: LangGraph itself is not imported here, and the serializer's protocol for it
    # would match any class with these two attributes.
    return type(value).__name__ == "Send" and hasattr(value, "arg") and hasattr(value, "node")


def put_back(rest: Any, path: Sequence[Step], messages: Any) -> Any:
    """The value with the messages in their place; changes and returns ``rest``."""
    if not path:
        return messages
    target = rest
    for step in path[:-1]:
        target = getattr(target, str(step)) if _is_send(target) else target[step]
    if _is_send(target):
        target.arg = messages
    else:
        target[path[-1]] = messages
    return rest


def fingerprint(message: BaseMessage) -> bytes | None:
    """Equal for messages that encode equally; None where that cannot be told cheaply.

    It looks at the content, not at the object: a message that a node changed in place is
    another message. A third of the cost of encoding one.
    """
    kind = type(message)
    fields = [kind.__module__, kind.__qualname__, message.__dict__, message.__pydantic_extra__]
    try:
        exact = ormsgpack.packb(fields, None, _EXACT)
    except (TypeError, ValueError):
        return None
    return hashlib.blake2b(exact, digest_size=16).digest()
