"""The one connection that a writer has to its server."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

import redis
from redis import exceptions as redis_errors

from langchain_durable.store.lua import Scripts
from langchain_durable.store.refusals import LinkDown, passes
from langchain_durable.store.resp import Command, Packed, pack

_FAILED = (redis_errors.RedisError, OSError)
_JOIN_BELOW = 65536


class Link(Protocol):
    """Sends commands and reads their replies in order. Raises only :class:`LinkDown`."""

    url: str
    opened: int
    """How many connections were made; it tells the present one from those before."""
    is_open: bool

    def open(self) -> None: ...

    def send(self, commands: Sequence[Command]) -> None: ...

    def read(self) -> Any:
        """The next reply; an error reply is returned, not raised."""
        ...

    def descriptor(self) -> int | None:
        """A descriptor that is readable when a reply comes; None if there is no such thing."""
        ...

    def pending(self) -> bool:
        """Whether there is something to read now."""
        ...

    def drop(self) -> None:
        """Close the connection without a word, also after a fork."""
        ...

    def close(self) -> None: ...


class PoolLink:
    """A link over a connection of redis-py's pool, so Sentinel, TLS and ACLs work as usual.

    Commands go round redis-py's client on purpose: instrumentation of the client would
    show each of our appends as a span of the user's program.
    """

    def __init__(self, pool: redis.ConnectionPool, scripts: Scripts, *, owned: bool) -> None:
        self._pool = pool
        self._owned = owned
        self._scripts = scripts
        self._connection: Any = None
        self._reader: Any = None
        self.is_open = False
        self._pid = os.getpid()
        self.opened = 0
        self.url = public_url(pool)

    def open(self) -> None:
        self.drop()
        try:
            self._connection = self._pool.get_connection()
        except BaseException as exc:
            # An interrupt may leave the pool a connection that is open and has neither
            # logged in nor selected its database.
            if self._owned:
                self._pool.reset()
            else:
                self._pool.disconnect(inuse_connections=False)
            if isinstance(exc, Exception):
                raise LinkDown(exc) from exc
            raise
        self._pid = os.getpid()
        self._reader = _reader(self._connection)
        self.opened += 1
        self.is_open = True
        try:
            self.send([("SCRIPT", "LOAD", script.text) for script in self._scripts.all()])
            for _ in self._scripts.all():
                reply = self.read()
                if isinstance(reply, redis_errors.RedisError):
                    raise LinkDown(reply) from reply
        except BaseException:
            self.drop()
            raise

    def send(self, commands: Sequence[Command]) -> None:
        if not self.is_open:
            raise LinkDown(ConnectionError("the connection was closed"))
        connection = self._connection
        packed = [c.raw if isinstance(c, Packed) else pack(c) for c in commands]
        if len(packed) > 1 and sum(map(len, packed)) < _JOIN_BELOW:
            packed = [b"".join(packed)]
        try:
            # A health check would read a reply that belongs to a command in flight.
            connection.send_packed_command(packed, check_health=False)
        except _FAILED as exc:
            raise LinkDown(exc) from exc

    def read(self) -> Any:
        if not self.is_open:
            raise LinkDown(ConnectionError("the connection was closed"))
        try:
            reply = self._reader.read_response(disable_decoding=True)
        except redis_errors.ResponseError as exc:
            reply = exc
        except _FAILED as exc:
            raise LinkDown(exc) from exc
        if isinstance(reply, redis_errors.ResponseError) and passes(reply):
            raise LinkDown(reply) from reply
        return reply

    def descriptor(self) -> int | None:
        # Not public, so it may be gone one day; then a thread waits for replies.
        plain = getattr(self._connection, "_sock", None)
        # TLS may hold back what its socket has received.
        if sys.platform == "win32" or type(plain) is not socket.socket or not self.is_open:
            return None
        return plain.fileno()

    def pending(self) -> bool:
        if not self.is_open:
            raise LinkDown(ConnectionError("the connection was closed"))
        try:
            return bool(self._reader.can_read(timeout=0))
        except _FAILED as exc:
            raise LinkDown(exc) from exc

    def drop(self) -> None:
        # In this order an interrupt half-way leaves what the next call can finish. A
        # connection that is closed must not be used: redis-py would open it again.
        self.is_open = False
        if self._connection is None:
            return
        # In the child of a fork this closes our copy of the socket only.
        self._connection.disconnect()
        if self._pid == os.getpid():
            self._pool.release(self._connection)
        self._connection = None

    def close(self) -> None:
        self.drop()
        if self._owned:
            self._pool.disconnect()


def _reader(connection: Any) -> Any:
    """What reads a connection's replies: its parser, which does the work, or itself.

    What redis-py's connection does around that costs more than the parsing. Its parser is
    not public, so it may be gone one day; a connection of another make may do without.
    """
    parser = getattr(connection, "_parser", None)
    plain = type(connection).read_response is redis.Connection.read_response
    return connection if parser is None or not plain else parser


def public_url(pool: redis.ConnectionPool) -> str:
    """Where a pool connects to, without password."""
    kwargs = pool.connection_kwargs
    if service := getattr(pool, "service_name", None):
        return f"sentinel service {service!r}"
    user = f"{quote(kwargs['username'])}@" if kwargs.get("username") else ""
    db = kwargs.get("db") or 0
    if path := kwargs.get("path"):
        return f"unix://{user}{path}?db={db}"
    tls = issubclass(pool.connection_class, redis.SSLConnection)
    host, port = kwargs.get("host", "localhost"), kwargs.get("port", 6379)
    return f"{'rediss' if tls else 'redis'}://{user}{host}:{port}/{db}"
