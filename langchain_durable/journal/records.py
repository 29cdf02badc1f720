"""What a journal is a list of: records, which a store does not decode."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

FORMAT = 1
"""Version of keys, header and records. A higher one in the store is refused."""


class RecordKind(StrEnum):
    """One letter per event type; part of what makes an append idempotent."""

    ATTEMPT_STARTED = "A"
    STEP_STARTED = "s"
    STEP_ENDED = "e"
    ATTEMPT_ENDED = "Z"


class Draft(NamedTuple):
    """A record before it has a sequence number. ``meta`` is small, ``payload`` may be large."""

    kind: RecordKind
    meta: bytes
    step: bytes = b""
    payload: bytes | None = None


class Record(NamedTuple):
    """A record as read back: bytes only, nothing decoded."""

    seq: int
    attempt: int
    kind: RecordKind
    step: bytes
    meta: bytes
    payload: bytes | None = None
