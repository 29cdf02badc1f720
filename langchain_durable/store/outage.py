"""How long, and how often, a lost connection is tried again."""

from __future__ import annotations

import logging
import random
import time

from langchain_durable.store.refusals import hopeless

log = logging.getLogger(__name__)

_FIRST_CONTACT = 5.0
"""Seconds for a server never reached: rather a wrong URL than one that restarts."""


class Outage:
    """The time since a server was last heard of. ``heard`` ends it.

    ``contact``: whether the server was ever heard of. ``silent``: whether the next reply
    has to be told by ``heard``.
    """

    __slots__ = ("_since", "_tries", "contact", "patience", "silent")

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.contact = False
        self.silent = True
        self._since: float | None = None
        self._tries = 0

    @property
    def waited(self) -> float:
        """Seconds since the connection was lost."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def heard(self) -> None:
        """A reply came."""
        self.contact = True
        self._since = None
        self.silent = False

    def over(self) -> None:
        """It was given up; the next call begins anew."""
        self._since = None

    def delay(self, url: str, cause: BaseException) -> float | None:
        """Seconds to wait before the next try; None if it is time to give up.

        The first try goes at once, then 50 ms, doubling up to 2 s, with jitter.
        """
        if self._since is None:
            self._since = time.monotonic()
            self._tries = 0
            self.silent = True
        limit = self.patience if self.contact else min(self.patience, _FIRST_CONTACT)
        left = limit - self.waited
        tries, self._tries = self._tries, self._tries + 1
        if hopeless(cause) or (left <= 0 and tries):
            return None
        if tries == 0:
            return 0.0
        if tries == 1 and self.contact:  # else the error itself comes within seconds
            log.warning("no connection to the journal at %s (%s); trying again", url, cause)
        pause = min(2.0, 0.05 * 2.0 ** min(tries - 1, 6)) * random.uniform(0.5, 1.0)
        return max(0.0, min(pause, left))
