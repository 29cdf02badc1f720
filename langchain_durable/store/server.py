"""What a server says about itself, for ``doctor``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from langchain_durable.store import decode
from langchain_durable.store.refusals import checked


def described(url: str, replies: list[Any]) -> Mapping[str, Any]:
    """The facts in the replies to INFO and CONFIG GET appendfsync.

    Managed services forbid CONFIG: ``appendfsync`` is then ``"unknown"``.
    """
    info = _parsed(checked(url, replies[0]))
    valkey = info.get("valkey_version", "")
    fsync = "unknown"
    if not isinstance(replies[1], RedisError):
        values = decode.pairs(replies[1])
        fsync = values.get(b"appendfsync", b"unknown").decode(errors="replace")
    return {
        "server": "valkey" if valkey else "redis",
        "version": valkey or info.get("redis_version", "unknown"),
        "eviction": info.get("maxmemory_policy", "unknown"),
        "appendonly": info.get("aof_enabled") == "1",
        "appendfsync": fsync,
        "role": info.get("role", "unknown"),
        "cluster": info.get("redis_mode", "standalone") == "cluster",
        "url": url,
    }


def _parsed(reply: bytes) -> dict[str, str]:
    lines = reply.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
