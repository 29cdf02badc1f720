"""Opens the store that a URL names."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import redis

from langchain_durable.errors import ConfigurationError
from langchain_durable.journal import Retention, Store
from langchain_durable.store.cluster import ClusterLink, node_url
from langchain_durable.store.keys import DEFAULT_PREFIX
from langchain_durable.store.link import Link, PoolLink
from langchain_durable.store.lua import Scripts
from langchain_durable.store.memory import MemoryStore
from langchain_durable.store.redis import RedisStore

_memories: dict[str, MemoryStore] = {}
_memories_lock = threading.Lock()
_VALUE = re.compile(r"(?<==)[^&]*|(?<![^&])[^&=]+(?![^&])")
"""What an option in a URL is set to, or an option that is no name and value."""


def open_store(
    url: str | redis.Redis,
    *,
    prefix: str = DEFAULT_PREFIX,
    retention: Retention | None = None,
    retry_for: float = 30.0,
    revive: Callable[[], None] | None = None,
) -> Store:
    """Open the store at a URL, or on the pool of a client that exists already.

    ``redis://``, ``rediss://`` (TLS) and ``unix://`` are redis-py's URLs;
    ``redis+cluster://`` and ``rediss+cluster://`` name a node of a Redis Cluster;
    ``memory://name`` is one store per process and name, for tests. Nothing is connected
    before the first call. ``retry_for``: seconds for which a lost connection is tried
    again. ``revive`` is called before each such try.
    """
    if isinstance(url, str) and url.startswith("memory://"):
        return _memory(url.removeprefix("memory://"), retention)
    scripts = Scripts()
    return RedisStore(
        _link(url, scripts),
        scripts,
        prefix=prefix,
        retention=retention,
        retry_for=retry_for,
        revive=revive,
    )


def _link(url: str | redis.Redis, scripts: Scripts) -> Link:
    if not isinstance(url, str):
        return PoolLink(_client_pool(url), scripts, owned=False)
    try:
        node = node_url(url)
        if node is not None:
            return ClusterLink(node, safe_url(url), scripts)
        return PoolLink(_pool(url), scripts, owned=True)
    except (ValueError, TypeError) as exc:
        raise ConfigurationError(
            "The journal's URL cannot be used.",
            expected="redis://host:port/number, rediss://, unix://, redis+cluster://, "
            "rediss+cluster:// or memory://",
            came=f"{safe_url(url)} ({exc})",
            do="give a URL such as redis://localhost:6379/0 or redis+cluster://localhost:6379",
        ) from exc


def _pool(url: str) -> redis.ConnectionPool:
    _check_database(url)
    pool = redis.ConnectionPool.from_url(url, **_defaults(url))
    # Made and thrown away, unconnected: redis-py checks the URL's options only here.
    pool.connection_class(**pool.connection_kwargs)
    return pool


def _check_database(url: str) -> None:
    """redis-py takes what it cannot read for database 0, where another journal may be."""
    parts = urlsplit(url)
    named = parts.path.strip("/")
    if parts.scheme != "unix" and named and not named.isdecimal():
        raise ValueError(f"{named!r} is no number of a database")


def _defaults(url: str) -> dict[str, object]:
    # RESP2 spares the handshake two replies; nothing here needs RESP3.
    defaults: dict[str, object] = {"protocol": 2}
    if not url.startswith("unix"):
        defaults["socket_keepalive"] = True
    return defaults


def _client_pool(client: object) -> redis.ConnectionPool:
    if isinstance(client, redis.Redis):
        return client.connection_pool
    do = "give the URL as a str, such as str(settings.redis_url)"
    if type(client).__module__.startswith("redis.asyncio"):
        do = "give the URL instead: the store serves both sync and async callers"
    elif isinstance(client, redis.RedisCluster):
        do = "give the URL of one of its nodes, such as redis+cluster://localhost:6379"
    raise ConfigurationError(
        "A journal cannot be kept there.",
        expected="a Redis URL or a redis.Redis client",
        came=type(client).__name__,
        do=do,
    )


def _memory(name: str, retention: Retention | None) -> MemoryStore:
    with _memories_lock:
        if name not in _memories:
            _memories[name] = MemoryStore(retention=retention)
        return _memories[name]


def safe_url(url: str) -> str:
    """The URL without secrets: neither its user's password nor the values of its options."""
    where, mark, options = url.partition("?")
    scheme, separator, place = where.partition("://")
    user, at, host = place.rpartition("@")
    if "@" in options and not at:
        return "an unreadable URL"  # a password with a ? in it, which is not percent-encoded
    name, colon, _ = user.partition(":")
    hidden = ":***" if colon else ""
    return f"{scheme}{separator}{name}{hidden}{at}{host}{mark}{_VALUE.sub('***', options)}"
