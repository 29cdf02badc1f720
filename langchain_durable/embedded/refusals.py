"""Why the embedded server cannot be used, as errors that say what to do."""

from __future__ import annotations

import errno

from langchain_durable.embedded import process
from langchain_durable.embedded.place import HOME_VARIABLE, Place
from langchain_durable.embedded.wire import Pulse
from langchain_durable.errors import ServerError


def unusable(place: Place, cause: OSError) -> ServerError:
    """The error for a directory that the system refuses to work with."""
    full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free some disk space" if full else "make it writable for this user"
    return ServerError(
        f"The embedded server's directory {place.directory} cannot be used.",
        expected="a directory on a disk with space, that this user can write to",
        came=str(cause),
        do=f"{remedy}, or set {HOME_VARIABLE} to another directory",
    )


def unreachable(place: Place, pulse: Pulse) -> ServerError:
    """The error for a server that lives and does not answer."""
    trace = place.running()
    known = trace is not None and process.is_same(trace.pid, trace.started)
    return ServerError(
        f"The embedded server on {place.directory} runs but cannot be reached.",
        expected=f"an answer at {place.socket()}",
        came=f"{pulse.value} (process {trace.pid if trace and known else 'unknown'})",
        do="run `python -m langchain_durable.embedded stop`, or end that process, and try again"
        f" (log: {place.log})",
    )


def start_blocked(place: Place, seconds: float) -> ServerError:
    """The error for a start that another process does not bring to its end."""
    return ServerError(
        f"Another process has been starting or stopping the server for {seconds:.0f} s.",
        expected=f"the lock {place.start_lock} to be given back",
        came="it is still held",
        do="look which process holds it (`lsof` names it) and end that",
    )
