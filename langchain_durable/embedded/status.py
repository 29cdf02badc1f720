"""Look at a directory's server without starting it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from langchain_durable.embedded import locks, process
from langchain_durable.embedded.place import Place
from langchain_durable.embedded.wire import ReplyError, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What was found. ``answers`` is false for a hung server, whose counts are then 0."""

    running: bool
    answers: bool
    directory: Path
    log: Path
    url: str
    server: str = ""
    pid: int | None = None
    uptime_seconds: int = 0
    clients: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0


def socket_url(socket: Path) -> str:
    """Give the URL that redis-py connects to for this socket."""
    return "unix://" + quote(str(socket))


def look(place: Place) -> ServerStatus:
    """Ask the server about itself; what it cannot say comes from the trace it left."""
    trace = place.running()
    found = ServerStatus(
        running=locks.is_held(place.server_lock),
        answers=False,
        directory=place.directory,
        log=place.log,
        url=socket_url(place.socket()),
        server=str(trace.writer()) if trace is not None else "",
    )
    if not found.running:
        return found
    try:
        with Wire(str(place.socket()), timeout=2.0) as wire:
            info = info_fields(wire.call("INFO"))
    except (OSError, ReplyError):
        same = trace is not None and process.is_same(trace.pid, trace.started)
        return replace(found, pid=trace.pid if trace is not None and same else None)
    return replace(
        found,
        answers=True,
        pid=int(info["process_id"]),
        uptime_seconds=int(info["uptime_in_seconds"]),
        clients=int(info["connected_clients"]) - 1,
        memory_bytes=int(info["used_memory"]),
        disk_bytes=int(info.get("aof_current_size", 0)),
    )


def info_fields(info: str) -> dict[str, str]:
    """Take the text of INFO apart."""
    return dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
