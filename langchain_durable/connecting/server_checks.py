"""What a server's own facts say about the journals on it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_OLDEST = {"redis": (7, 0), "valkey": (7, 2)}
_HEADROOM = 0.8

Server = Mapping[str, Any]


class Level(StrEnum):
    """How bad it is. FAIL: the journal does not work there, or can lose steps silently."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was found, and what to do about it, if anything."""

    name: str
    level: Level
    found: str
    do: str = ""


def _kind(server: Server) -> Finding:
    kind = str(server.get("server", "unknown"))
    version = _told(server, "version")
    found = f"{kind} {version} at {server.get('url', 'an unknown address')}".replace("  ", " ")
    oldest = _OLDEST.get(kind.lower())
    if kind.lower() == "memory":
        return Finding(
            name="server",
            level=Level.WARN,
            found="the memory of this process: nothing outlives it",
            do="give a Redis URL, or none for the embedded server",
        )
    if oldest is None:
        return Finding(
            name="server",
            level=Level.WARN,
            found=f"{found}, which is not tested",
            do="use Redis 7.0 or newer, or Valkey 7.2 or newer",
        )
    if not version:
        return Finding(
            name="server",
            level=Level.WARN,
            found=f"{found} does not tell its version",
            do="see in the provider's console that it is Redis 7.0 or Valkey 7.2, or newer",
        )
    if _numbers(version) < oldest:
        return Finding(
            name="server",
            level=Level.FAIL,
            found=f"{found} is too old: it lacks commands that the journal needs",
            do=f"use {kind} {oldest[0]}.{oldest[1]} or newer",
        )
    return Finding(name="server", level=Level.OK, found=found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _role(server: Server) -> Finding | None:
    role = _told(server, "role")
    if role in ("slave", "replica"):
        return Finding(
            name="role",
            level=Level.FAIL,
            found="a replica, which refuses writes",
            do="give the primary's URL",
        )
    return Finding(name="role", level=Level.OK, found="primary") if role else None


def _eviction(server: Server) -> Finding | None:
    if _is_memory(server):
        return None
    policy = _told(server, "eviction")
    if policy == "noeviction":
        return Finding(name="eviction", level=Level.OK, found=policy)
    if policy:
        return Finding(
            name="eviction",
            level=Level.FAIL,
            found=f"{policy}: under memory pressure the server drops steps without a word",
            do="run `CONFIG SET maxmemory-policy noeviction`, and write it to the configuration",
        )
    return Finding(
        name="eviction",
        level=Level.WARN,
        found="unknown: the server does not tell its maxmemory-policy",
        do="see in the provider's console that it is noeviction",
    )


_SURVIVES = {
    "always": (
        Level.OK,
        "AOF, fsync always: an acknowledged step survives SIGKILL of program and server, and"
        " a power cut on this one node",
        "",
    ),
    "everysec": (
        Level.OK,
        "AOF, fsync everysec: an acknowledged step survives SIGKILL of program and server; a"
        " power cut can take the last two seconds, and those steps run again",
        "",
    ),
    "no": (
        Level.WARN,
        "AOF, fsync left to the kernel: a power cut can take the last half minute",
        "run `CONFIG SET appendfsync everysec`",
    ),
}


def _persistence(server: Server) -> Finding | None:
    if _is_memory(server):
        return None
    appendonly = _flag(server.get("appendonly"))
    if appendonly is None:
        return Finding(
            name="persistence",
            level=Level.WARN,
            found="unknown: the server does not tell whether its append-only file is on",
            do="see in the provider's console what survives a restart of the server",
        )
    if not appendonly:
        return Finding(
            name="persistence",
            level=Level.WARN,
            found="no append-only file: a killed program loses nothing, but a restart of the"
            " server loses every step since its last snapshot, if it makes any",
            do="run `CONFIG SET appendonly yes`, and write it to the configuration",
        )
    fsync = _told(server, "appendfsync")
    level, found, do = _SURVIVES.get(
        fsync,
        (Level.WARN, "AOF is on, its appendfsync is unknown", "see that it is everysec or always"),
    )
    return Finding(name="persistence", level=level, found=found, do=do)


def _write_errors(server: Server) -> Finding | None:
    statuses = {
        name: str(server[name])
        for name in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if server.get(name)
    }
    bad = [f"{name} is {status}" for name, status in statuses.items() if status != "ok"]
    if bad:
        return Finding(
            name="disk",
            level=Level.FAIL,
            found=f"the server cannot write to its disk: {', '.join(bad)}",
            do="free disk space, and look into the server's log",
        )
    if statuses:
        return Finding(name="disk", level=Level.OK, found="the last writes succeeded")
    return None


def _memory(server: Server) -> Finding | None:
    used, limit = server.get("used_memory"), server.get("maxmemory")
    if used is None or limit is None:
        return None
    used, limit = int(used), int(limit)
    if limit == 0:
        return Finding(
            name="memory", level=Level.OK, found=f"{_mib(used)} used, no limit set on the server"
        )
    part = used / limit
    found = f"{_mib(used)} of {_mib(limit)} used ({part:.0%})"
    if part < _HEADROOM:
        return Finding(name="memory", level=Level.OK, found=found)
    return Finding(
        name="memory",
        level=Level.FAIL if part >= 1 else Level.WARN,
        found=f"{found}: when it is full, writes are refused and runs stop",
        do="raise maxmemory, delete old runs, or shorten the retention",
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _cluster(server: Server) -> Finding | None:
    mode = _flag(server.get("cluster"))
    if mode is None:
        return None
    if mode and "+cluster:" not in str(server.get("url", "")):
        return Finding(
            name="cluster",
            level=Level.WARN,
            found="a node of a cluster, and the URL is one of a single server: runs in the slots"
            " of other nodes are refused",
            do="write redis+cluster:// for redis://, and rediss+cluster:// for rediss://",
        )
    found = "cluster: each run lives in one slot" if mode else "one server, no cluster"
    return Finding(name="cluster", level=Level.OK, found=found)


def _replicas(server: Server) -> Finding | None:
    count = int(server.get("connected_replicas") or 0)
    if count == 0:
        return None
    return Finding(
        name="replicas",
        level=Level.OK,
        found=f"{count}; replication is asynchronous: a failover can lose the last steps, which"
        " is noticed (JournalGap) and they run again",
    )


def _is_memory(server: Server) -> bool:
    return server.get("server") == "memory"


def _told(server: Server, fact: str) -> str:
    """Give a fact, empty if the server did not tell it."""
    value = str(server.get(fact, ""))
    return "" if value == "unknown" else value


def _flag(value: object) -> bool | None:
    """Read a yes or no in whatever form a server tells it."""
    if value in (None, "", "unknown"):
        return None
    return str(value).lower() in ("1", "yes", "true", "on")


_CHECKS: tuple[Callable[[Server], Finding | None], ...] = (
    _kind,
    _role,
    _eviction,
    _persistence,
    _write_errors,
    _memory,
    _cluster,
    _replicas,
)


def check_server(server: Server) -> Sequence[Finding]:
    """Judge the facts that ``Store.describe`` gave; a fact that is missing gives no finding,
    or one that says so where it matters."""
    return [finding for check in _CHECKS if (finding := check(server)) is not None]
