"""Calls that a program cancels and streams that it leaves, and what it does without them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

MARGIN = 1.0
"""Seconds beyond the recorded ones that a call waits to be given up again."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What the journal has for a call that the program gave up and went on without.

    ``chunks`` are those of a stream until then. To be waited for, as a ticket is: until the
    program gives the call up again, at most ``seconds``. These are all that its attempt had run
    by then, because a timeout may have begun long before the call, and what came between is
    answered at once now.
    """

    seconds: float
    chunks: Any = None

    def done(self) -> bool:
        return False

    def result(self) -> None:
        """A call that blocks its thread cannot be cancelled: nothing to wait for."""

    async def aresult(self) -> None:
        await asyncio.sleep(self.seconds)
