"""Commands as bytes of the Redis protocol."""

from __future__ import annotations

from collections.abc import Sequence

Word = bytes | str | int


class Packed:
    """A command as it is sent; ``key`` says which node of a cluster it goes to."""

    __slots__ = ("key", "raw")

    def __init__(self, key: str, raw: bytes) -> None:
        self.key = key
        self.raw = raw


Command = tuple[Word, ...] | Packed
"""The words of one command, or its bytes."""


def pack(words: Sequence[Word]) -> bytes:
    """One command, ready to be sent.

    redis-py's own packer takes four times as long, which is felt: an append is packed for
    every step. That of hiredis kills the process if a signal's handler raises meanwhile.
    """
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if type(word) is bytes else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(raw), raw))
    return b"".join(parts)
