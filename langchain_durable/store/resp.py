"""Commands as bytes of the Redis protocol."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_durable.store.ticket import Word


def pack(words: Sequence[Word]) -> bytes:
    """One command, ready to be sent.

    redis-py's own packer takes four times as long, which is felt: an append is packed for
    every step. That of hiredis kills the process if a signal's handler raises meanwhile.
    """
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if isinstance(word, bytes):
            raw = word
        elif isinstance(word, str):
            raw = word.encode()
        else:
            raw = b"%d" % word
        parts += (b"$%d\r\n" % len(raw), raw, b"\r\n")
    return b"".join(parts)
