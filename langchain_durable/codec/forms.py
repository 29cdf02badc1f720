"""How one class travels: its code on the wire, and the way to plain values and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Refused(Exception):
    """A value that its form does not carry; the walker adds the path to it."""


def by_index(key: Any) -> str:
    """Where an item lies in a plain value, as paths in messages say it."""
    return f"[{key!r}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One row of the table of what the journal carries.

    ``take`` turns an object into a plain value, a list or dict whose items may be
    objects again; ``give`` does the reverse and raises on anything it did not make
    itself. ``name`` says where in the object an item of the plain value lies.
    """

    code: int
    take: Callable[[Any], Any]
    give: Callable[[Any], Any]
    name: Callable[[Any], str] = by_index


def expect(plain: Any, *kinds: type) -> Any:
    """``plain``, if it is of exactly one of these types."""
    if type(plain) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{wanted} expected, {type(plain).__name__} came")
    return plain
