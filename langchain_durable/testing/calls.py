"""What the scripted server knows of each call, and where it stops one."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Ending(StrEnum):
    """How the server was done with a request."""

    OPEN = "open"
    ANSWERED = "answered"
    FAILED = "failed"
    CUT = "cut"
    GONE = "gone"


@dataclass(slots=True, kw_only=True)
class Logged:
    """One request as it is logged; ``effect`` and ``ending`` are filled in as it goes."""

    number: int
    tag: str
    attempt: str
    path: str
    model: str
    key: str
    messages: list[dict[str, Any]]
    stream: bool
    time: int
    effect: int | None = None
    ending: Ending = Ending.OPEN


@dataclass(slots=True, kw_only=True)
class Stop:
    """Where calls are held, or cut: the ``nth`` that fits, or ``times`` of them."""

    id: int
    kind: str
    when: str = ""
    tag: str = ""
    model: str = ""
    path: str = ""
    at: str = "request"
    nth: int = 1
    after: int = 1
    times: int = 1
    clean: bool = True
    seen: int = 0
    hit: int | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, logged: Logged) -> bool:
        """Whether this call is the one. Counts, so ask once a call."""
        for mine, its in (
            (self.tag, logged.tag),
            (self.model, logged.model),
            (self.path, logged.path),
        ):
            if mine and mine != its:
                return False
        if not re.search(self.when, logged.key, re.DOTALL):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times
