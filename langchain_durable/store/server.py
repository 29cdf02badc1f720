"""What a server says about itself, for ``doctor``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from langchain_durable.store import decode
from langchain_durable.store.refusals import checked, forbidden

_NUMBERS = {
    "used_memory": "used_memory",
    "maxmemory": "maxmemory",
    "connected_replicas": "connected_slaves",
}
_STATUSES = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


def described(url: str, replies: list[Any]) -> Mapping[str, Any]:
    """The facts in the replies to INFO and CONFIG GET appendfsync.

    Managed services forbid CONFIG, and an ACL may forbid INFO: what they would tell is
    then ``"unknown"``, or absent if it is a number.
    """
    info = _parsed(url, replies[0]) if not _forbidden(replies[0]) else {}
    valkey = info.get("valkey_version", "")
    fsync = "unknown"
    if not isinstance(replies[1], RedisError):
        values = decode.pairs(replies[1])
        fsync = values.get(b"appendfsync", b"unknown").decode(errors="replace")
    facts: dict[str, Any] = {
        "server": "valkey" if valkey else "redis",
        "version": valkey or info.get("redis_version", "unknown"),
        "eviction": info.get("maxmemory_policy", "unknown"),
        "appendonly": info["aof_enabled"] == "1" if "aof_enabled" in info else "unknown",
        "appendfsync": fsync,
        "role": info.get("role", "unknown"),
        "cluster": info.get("cluster_enabled") == "1",
        "url": url,
    }
    facts |= {fact: int(info[name]) for fact, name in _NUMBERS.items() if name in info}
    facts |= {name: info[name] for name in _STATUSES if name in info}
    if "server_time_usec" in info:
        facts["time_ms"] = int(info["server_time_usec"]) / 1000
    return facts


def _forbidden(reply: Any) -> bool:
    return isinstance(reply, RedisError) and forbidden(reply)


def _parsed(url: str, reply: Any) -> dict[str, str]:
    lines = checked(url, reply).decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
