"""Moments and spans of time: local and short for people, ISO UTC for programs."""

from __future__ import annotations

import datetime as dt
import time

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def iso(nanoseconds: int) -> str:
    """A moment for programs: ISO 8601, UTC, microseconds."""
    seconds, rest = divmod(nanoseconds, 10**9)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=rest // 1000)
    return moment.isoformat()


def local(nanoseconds: int) -> str:
    """A moment in the time of this machine, to the second."""
    return dt.datetime.fromtimestamp(nanoseconds / 1e9).strftime("%Y-%m-%d %H:%M:%S")


def clock(nanoseconds: int) -> str:
    """The time of day, to the millisecond."""
    moment = dt.datetime.fromtimestamp(nanoseconds // 10**9)
    return f"{moment:%H:%M:%S}.{nanoseconds % 10**9 // 10**6:03}"


def ago(nanoseconds: int, *, now: int | None = None) -> str:
    """How long ago a moment was: ``3 min ago``."""
    seconds = ((now if now is not None else time.time_ns()) - nanoseconds) / 1e9
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "now"


def span(seconds: float) -> str:
    """A length of time: ``0.4 ms``, ``35 ms``, ``1.27 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
