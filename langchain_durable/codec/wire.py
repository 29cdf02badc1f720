"""Strict msgpack: bytes out and in, with nothing left over and no nest that breaks the stack.

ormsgpack decodes recursively, about 600 bytes of C stack a level, and ignores bytes after
the value. A record may come from a hostile writer, so both are closed here: the depth of
a payload is measured before it is decoded, and a random mark behind it must come out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import ormsgpack

OPTIONS = (
    ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
"""Everything that ormsgpack would flatten by itself comes to our hook instead."""

MAX_NEST = 256
"""Containers inside containers in one payload; ormsgpack itself writes no more than 254."""

MAX_EXT = 32
"""Typed values inside typed values, such as a tuple in a message in a ``Command``."""

WIDE_EXT = 4
DEEP_NEST = 16
"""Typed values deeper than ``WIDE_EXT`` hold at most ``DEEP_NEST`` levels each: so the sum
of all levels fits into the 1 MiB stack of a Windows thread."""

ExtHook = Callable[[int, bytes], Any]

_CONTAINERS = frozenset((*range(0x80, 0xA0), *range(0xDC, 0xE0)))
_NOT_CONTAINERS = bytes(byte for byte in range(256) if byte not in _CONTAINERS)
_MARK = os.urandom(16)
_TAIL = b"\xc4\x10" + _MARK


def nest_limit(level: int) -> int:
    """How many levels of containers a payload may have, ``level`` typed values down."""
    return MAX_NEST if level <= WIDE_EXT else DEEP_NEST


def unpack(data: bytes, hook: ExtHook | None = None, limit: int = MAX_NEST) -> Any:
    """Decode exactly one value; ``ValueError`` if there is anything else, or it is too deep."""
    if not is_shallow(data, limit):
        raise ValueError(f"nested more than {limit} levels deep")
    pair = ormsgpack.unpackb(b"\x92" + data + _TAIL, ext_hook=hook)
    if type(pair[1]) is not bytes or pair[1] != _MARK:
        raise ValueError("bytes follow the value")
    return pair[0]


def is_shallow(data: bytes, limit: int) -> bool:
    """Whether no container in ``data`` lies under more than ``limit`` others.

    Each level takes at least one byte that begins a container, so counting those bytes
    settles nearly every payload at C speed.
    """
    if len(data) <= limit or len(data.translate(None, _NOT_CONTAINERS)) <= limit:
        return True
    return _depth(data, limit) <= limit


def _sizes() -> tuple[int, ...]:
    """Size of a token by its first byte, 0 if it is not fixed: containers, long strings."""
    sizes = [0] * 256
    for byte in (*range(0x80), 0xC0, 0xC1, 0xC2, 0xC3, *range(0xE0, 0x100)):
        sizes[byte] = 1
    for length in range(32):
        sizes[0xA0 + length] = 1 + length
    for first, size in ((0xCA, 5), (0xCB, 9), (0xCC, 2), (0xD0, 2)):
        sizes[first] = size
    for power in range(1, 4):
        sizes[0xCC + power] = sizes[0xD0 + power] = 1 + 2**power
    for power in range(5):
        sizes[0xD4 + power] = 2 + 2**power
    return tuple(sizes)


_FIXED = _sizes()
_LENGTHS = {
    **{first: (width, 0) for first, width in ((0xC4, 1), (0xC5, 2), (0xC6, 4))},
    **{first: (width, 1) for first, width in ((0xC7, 1), (0xC8, 2), (0xC9, 4))},
    **{first: (width, 0) for first, width in ((0xD9, 1), (0xDA, 2), (0xDB, 4))},
}
"""First byte -> width of the length that follows, and bytes between it and the content."""


def _depth(data: bytes, limit: int) -> int:
    """The deepest nest of containers, or ``limit + 1`` as soon as it is above the limit.

    Malformed bytes end the walk: the decoder, which stops at the same place, says why.
    """
    at, end = 0, len(data)
    left: list[int] = []
    deepest = 0
    while at < end:
        first = data[at]
        size = _FIXED[first]
        if size:
            at += size
        elif first in _LENGTHS:
            width, gap = _LENGTHS[first]
            at += 1 + width + gap + int.from_bytes(data[at + 1 : at + 1 + width], "big")
        else:
            count, at = _container(data, at)
            left.append(count + 1)
            deepest = max(deepest, len(left))
            if deepest > limit:
                return deepest
        while left:
            left[-1] -= 1
            if left[-1]:
                break
            left.pop()
    return deepest


def _container(data: bytes, at: int) -> tuple[int, int]:
    """How many values a container holds, and where the first one begins."""
    first = data[at]
    if first < 0x90:
        return 2 * (first & 0x0F), at + 1
    if first < 0xA0:
        return first & 0x0F, at + 1
    width = 2 if first in (0xDC, 0xDE) else 4
    count = int.from_bytes(data[at + 1 : at + 1 + width], "big")
    return (count if first < 0xDE else 2 * count), at + 1 + width
