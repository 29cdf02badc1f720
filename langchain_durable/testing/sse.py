"""Server-sent events, and a reply as the scripted server sends it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer on the wire: ``body`` if asked for at once, else the events of the stream.

    ``head`` are the events up to the finish reason, ``tail`` the rest.
    """

    body: bytes = b""
    head: tuple[bytes, ...] = ()
    tail: tuple[bytes, ...] = ()


def sse(data: Mapping[str, Any] | str, event: str = "") -> bytes:
    """One event of a stream; a mapping becomes JSON."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def pieces(text: str) -> list[str]:
    """The text in words that join to it again; whitespace alone is one piece."""
    return _WORD.findall(text) if text.strip() else [text] if text else []
