"""The options of a handle, checked once."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from langchain_durable.arguments import check_flag, check_version, is_number
from langchain_durable.errors import ConfigurationError
from langchain_durable.tracing.telemetry import Telemetry

Durability = Literal["sync", "async"]
Drift = Literal["reuse", "reexecute", "raise"]


# Its own: a program that seeds `random` would give two runs the same ids. Not urandom,
# which costs a system call for each span.
_random = random.Random()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def _random_hex(size: int) -> str:
    return f"{_random.getrandbits(8 * size):0{2 * size}x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a handle records. ``lease`` is in seconds; ``clock`` gives nanoseconds."""

    durability: Durability = "sync"
    drift: Drift = "reuse"
    lease: float = 10.0
    version: str = ""
    require_finish_reason: bool = True
    stream_usage: bool = False
    clock: Callable[[], int] = time.time_ns
    random_hex: Callable[[int], str] = _random_hex
    telemetry: Telemetry = field(default_factory=Telemetry)

    def __post_init__(self) -> None:
        _one_of("durability", self.durability, ("sync", "async"))
        _one_of("drift", self.drift, ("reuse", "reexecute", "raise"))
        check_version(self.version, do='write for example version="2"')
        check_flag("require_finish_reason", self.require_finish_reason)
        check_flag("stream_usage", self.stream_usage)
        if not is_number(self.lease, 0.5, 3600):
            raise ConfigurationError(
                "The lease makes no sense.",
                expected="seconds between 0.5 and 3600",
                came=repr(self.lease),
                do="leave it at 10 unless a takeover must be faster",
            )


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigurationError(
            f"The option {option!r} has an unknown value.",
            expected=" or ".join(repr(a) for a in allowed),
            came=repr(value),
            do="correct the option",
        )
