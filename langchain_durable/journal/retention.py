"""How long a run that has ended is kept."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_durable.arguments import is_whole
from langchain_durable.errors import ConfigurationError

_LONGEST_LIFE = 1000 * 365 * 24 * 3600
"""Seconds. A server takes up to 292 million years, and nothing else than whole ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Seconds to live after a run has ended; while it is active or paused nothing expires.

    Raises ``ConfigurationError`` for what would leave a journal without its header, and for what
    the server would refuse, once a run has ended and half of its end is written.
    """

    events: int = 24 * 3600
    journal: int = 7 * 24 * 3600
    header: int = 30 * 24 * 3600

    def __post_init__(self) -> None:
        lives = (self.events, self.journal, self.header)
        sound = all(is_whole(life, 0) and life <= _LONGEST_LIFE for life in lives)
        if not sound or (self.header and not 0 < self.journal <= self.header):
            raise ConfigurationError(
                "The retention makes no sense.",
                expected="whole seconds, at most 1000 years, with a header that lives as long as "
                "its journal (0: for good)",
                came=f"events={self.events!r}, journal={self.journal!r}, header={self.header!r}",
                do="raise header, lower journal, or give 0 for what is to be kept",
            )
