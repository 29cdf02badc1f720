"""The saver's commands: the only file of this package that imports redis.

A thread is two keys with one hash tag, so that a script works on one slot of a Cluster:
``data``, a hash with everything, and ``index``, a sorted set of its checkpoints.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar, cast

from redis import Redis, RedisCluster
from redis import exceptions as redis_errors
from redis.client import NEVER_DECODE

from langchain_durable.errors import (
    ConfigurationError,
    JournalCorrupt,
    JournalError,
    JournalReadOnly,
    JournalUnavailable,
)
from langchain_durable.store.cluster import node_url
from langchain_durable.store.keys import thread_keys

T = TypeVar("T")

WORKERS = 2
"""Threads that serve async callers; more of them only compete for the interpreter."""

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The two keys of a thread."""

    data: bytes
    index: bytes

    @classmethod
    def of(cls, prefix: str, kind: str, name: str) -> Keys:
        """Those of the thread with this name."""
        data, index = thread_keys(prefix, kind, name)
        return cls(data=data.encode(), index=index.encode())


def name_in(key: bytes | str) -> str:
    """The name of a thread, as :func:`~langchain_durable.store.keys.thread_keys` was given it."""
    text = key if isinstance(key, str) else key.decode()
    tag = text.partition("{")[2].rpartition("}")[0]
    return tag.replace("%7D", "}").replace("%7B", "{").replace("%25", "%")


@functools.cache
def _script(name: str) -> tuple[str, str]:
    folder = files("langchain_durable.saver") / "scripts"
    text = "\n".join((folder / part).read_text("utf-8") for part in ("blobs.lua", f"{name}.lua"))
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


Client = Redis | RedisCluster


class Commands:
    """Runs the scripts. One object is shared by all clones of a saver."""

    def __init__(self, source: str | Client) -> None:
        self._make = _opener(source) if isinstance(source, str) else _giver(source)
        self._made: Client | None = None
        self._owned = isinstance(source, str)
        self._threads: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    def run(self, script: str, keys: Keys, *args: bytes | str | int) -> Any:
        """Call a script: one round trip, two the first time that a server sees it."""
        text, sha = _script(script)
        with _our_errors():
            try:
                return self._call("EVALSHA", sha, 2, keys.data, keys.index, *args)
            except redis_errors.NoScriptError:
                return self._call("EVAL", text, 2, keys.data, keys.index, *args)

    def ids(self, keys: Keys, *, ns: bytes | None, below: bytes = b"\xff") -> Sequence[bytes]:
        """``<namespace>\\0<checkpoint id>`` of the thread, or of one namespace and below an id."""
        with _our_errors():
            if ns is None:
                found = self._call("ZRANGE", keys.index, 0, -1)
            else:
                found = self._call("ZREVRANGEBYLEX", keys.index, b"(" + ns + below, b"[" + ns)
            return cast(Sequence[bytes], found)

    def records(self, keys: Keys, ids: Sequence[bytes]) -> Sequence[bytes | None]:
        """The records of checkpoints, without what they refer to."""
        if not ids:
            return []
        with _our_errors():
            found = self._call("HMGET", keys.data, *(b"c" + id for id in ids))
            return cast(Sequence[bytes | None], found)

    def names(self, prefix: str, kind: str) -> Iterator[str]:
        """All threads, by a walk over the server's keys; no list of them can go stale."""
        literal = "".join(f"\\{char}" if char in r"*?[]\^-" else char for char in prefix)
        with _our_errors():
            for key in self._client.scan_iter(match=f"{literal}:{kind}:{{*}}:index", count=_PAGE):
                yield name_in(key)

    def remove(self, keys: Keys) -> None:
        """Remove a thread."""
        with _our_errors():
            self._client.unlink(keys.data, keys.index)

    def copy(self, source: Keys, target: Keys, ttl: int) -> None:
        """Copy a thread; its checkpoints can be seen in the target once all is there."""
        with _our_errors():
            ids = self.ids(source, ns=None)
            if not ids:
                return
            cursor = -1
            while cursor:
                cursor, page = self._call("HSCAN", source.data, max(cursor, 0), "COUNT", _PAGE)
                if page:
                    self._client.hset(target.data, mapping=page)
            self._client.zadd(target.index, dict.fromkeys(ids, 0))
            if ttl:
                self._client.expire(target.data, ttl)
                self._client.expire(target.index, ttl)

    @property
    def _client(self) -> Client:
        # Two threads may both make one; the one that is left over closes with its last use.
        if self._made is None:
            self._made = self._make()
        return self._made

    def _call(self, *words: bytes | str | int) -> Any:
        """The reply to a command: bytes, also where the client decodes for its own program."""
        return self._client.execute_command(*words, **{NEVER_DECODE: []})  # type: ignore[no-untyped-call]  # redis-py has no types here

    async def in_thread(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call it on a thread of our own: the event loop is never blocked.

        Measured against ``redis.asyncio`` a command takes 50 us more. In exchange no
        connection belongs to a loop that may be closed, encoding is off the loop too, and
        a program's blocking tools cannot take our threads.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor(), functools.partial(call, *args, **kwargs)
        )

    def _executor(self) -> ThreadPoolExecutor:
        # A fork copies the executor but not its threads.
        if self._threads is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._threads = ThreadPoolExecutor(
                WORKERS, thread_name_prefix="langchain-durable-saver"
            )
        return self._threads

    def close(self) -> None:
        """Close the connections, unless the client was given; end the threads."""
        if self._threads is not None and self._pid == os.getpid():
            self._threads.shutdown(wait=False)
            self._threads = None
        if self._owned and self._made is not None:
            self._made.close()


def _opener(url: str) -> Callable[[], Client]:
    """What makes the client of a URL. That of a cluster connects as soon as it is made."""
    # Without a timeout, a server that went away without a word is waited for forever.
    # Every command can be sent twice, so that the client may try again.
    timeouts = {"socket_timeout": 10, "socket_connect_timeout": 5}
    try:
        node = node_url(url)
        if node is not None:
            return functools.partial(RedisCluster.from_url, node, **timeouts)
        return _giver(Redis.from_url(url, **timeouts))
    except ValueError as exc:
        raise ConfigurationError(
            "The URL of the saver's server is not valid.",
            expected="redis://, rediss://, unix://, redis+cluster:// or rediss+cluster://",
            came=repr(url.partition("://")[0] + "://..."),
            do="correct the URL",
        ) from exc


def _giver(client: Client) -> Callable[[], Client]:
    if not isinstance(client, Client):
        raise ConfigurationError(
            "The saver cannot use this client.",
            expected="a URL, redis.Redis or redis.RedisCluster",
            came=f"{type(client).__module__}.{type(client).__qualname__}",
            do="give a URL or a sync client: async callers are served from threads",
        )
    return lambda: client


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except (redis_errors.ReadOnlyError, redis_errors.OutOfMemoryError) as exc:
        raise _refused(exc) from exc
    except (redis_errors.ConnectionError, redis_errors.TimeoutError, OSError) as exc:
        raise JournalUnavailable(
            "The server of the saver cannot be reached.",
            expected="a Redis 7.0 or Valkey server that answers",
            came=f"{type(exc).__name__}: {exc}",
            do="check the URL, the password and the server, then run the program again",
        ) from exc
    except (redis_errors.RedisError, redis_errors.RedisClusterException) as exc:
        raise _from_reply(exc) from exc


def _refused(exc: Exception) -> JournalReadOnly:
    return JournalReadOnly(
        "The server of the saver refuses writes.",
        expected="a primary with memory and disk to write to",
        came=str(exc),
        do="point the URL at the primary, or give it room (maxmemory, disk)",
    )


def _from_reply(exc: Exception) -> JournalError:
    text = str(exc)
    if "MISCONF" in text or "OOM" in text or "READONLY" in text:
        return _refused(exc)
    if isinstance(exc, redis_errors.AskError):
        return JournalError(
            "The server of the saver is a node of a Redis Cluster.",
            expected="redis+cluster:// in the URL",
            came=f"{type(exc).__name__}: {text}",
            do="write redis+cluster:// for redis://, and rediss+cluster:// for rediss://",
        )
    if "CLUSTERDOWN" in text or isinstance(exc, redis_errors.RedisClusterException):
        return JournalUnavailable(
            "The Cluster of the saver cannot serve this key.",
            expected="a Cluster with all slots served",
            came=text,
            do="check the Cluster, then run the program again",
        )
    if "WRONGTYPE" in text or "user_script" in text:
        return JournalCorrupt(
            "A key of the saver holds something else.",
            expected="keys that only this saver writes",
            came=text,
            do="give the saver a prefix or a database of its own",
        )
    return JournalError(
        "The server of the saver refused a command.",
        expected="Redis 7.0 or newer, or Valkey, with scripts allowed",
        came=text,
        do="check the server's version and the user's permissions",
    )
