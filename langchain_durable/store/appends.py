"""The appends of a lease as bytes: they are sent all the time, and most of each is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from langchain_durable.journal import Draft, Lease
from langchain_durable.store.resp import Packed, Word, pack
from langchain_durable.store.ticket import Lane

INLINE_LIMIT = 256 * 1024
"""Payloads above this many bytes are kept beside the stream."""


class Appends(Lane):
    """The lane of one lease; makes its appends, as ``append.lua`` wants them.

    ``meta`` is the key of the run's header.
    """

    __slots__ = ("_fence", "_key", "_start")

    def __init__(self, lease: Lease, sha: bytes, meta: str) -> None:
        super().__init__()
        self._fence = lease.fence
        self._key = meta
        self._start = _words(pack(("EVALSHA", sha, 1, meta)))

    def command(self, seq: int, drafts: Sequence[Draft], close: Sequence[Word] = ()) -> Packed:
        """The command that appends drafts; ``close``: the words that close the attempt."""
        place = b"%b%d c" % (self._fence, seq) if close else b"%b%d" % (self._fence, seq)
        parts, count = [b""], 5
        if close:
            parts.append(_words(pack(close)))
            count += len(close)
        for draft in drafts:
            meta, payload = draft.meta, draft.payload
            if payload is None:
                head = head_of(draft, b"-")
                parts.append(b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(head), head, len(meta), meta))
                count += 2
                continue
            if len(payload) <= INLINE_LIMIT:
                head = head_of(draft, b"+")
                parts.append(b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(head), head, len(meta), meta))
                count += 3
            else:
                head, digest = head_of(draft, b"#"), hashlib.sha256(payload).digest()
                parts.append(_words(pack((head, meta, digest))))
                count += 4
            parts += (b"$%d\r\n" % len(payload), payload, b"\r\n")
        parts[0] = b"*%d\r\n%b$%d\r\n%b\r\n" % (count, self._start, len(place), place)
        return Packed(self._key, b"".join(parts))


def head_of(draft: Draft, mark: bytes) -> bytes:
    """What kind of record it is, of which step, and where its payload is (``mark``)."""
    return draft.kind.encode() + mark + draft.step


def _words(packed: bytes) -> bytes:
    """A command's words without their count."""
    return packed[packed.index(b"\n") + 1 :]
