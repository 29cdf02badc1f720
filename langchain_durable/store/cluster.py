"""A link to a Redis Cluster: one connection to each primary, commands routed by their key."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis import exceptions as redis_errors
from redis.cluster import RedisCluster
from redis.connection import parse_url

from langchain_durable.store.link import PoolLink
from langchain_durable.store.lua import Scripts
from langchain_durable.store.refusals import LinkDown
from langchain_durable.store.resp import Command, Packed

_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
_KEYLESS = ("TIME", "INFO", "CONFIG")
_FAILED = (redis_errors.RedisError, redis_errors.RedisClusterException, OSError)


def node_url(url: str) -> str | None:
    """A cluster's URL as redis-py's one of a node of it; None for another kind of URL.

    Raises ``ValueError`` for one that names no host, or a database.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES:
        return None
    plain = f"{_SCHEMES[scheme]}://{rest}"
    options = parse_url(plain)  # type: ignore[no-untyped-call]  # redis-py has no types here
    if "host" not in options:
        raise ValueError("it names no node of the cluster")
    if options.get("db") or urlsplit(plain).path.strip("/") not in ("", "0"):
        raise ValueError("a cluster has one database, the 0th")
    return plain


class ClusterLink:
    """A link as :class:`~langchain_durable.store.link.Link` says.

    The keys of a run share a slot, so its commands go over one connection and stay in
    order. When a slot has moved, the link goes down, and what was not answered is sent
    again to where the slot is then.
    """

    def __init__(self, url: str, public_url: str, scripts: Scripts) -> None:
        self.url = public_url
        self.opened = 0
        self.is_open = False
        self._url = url
        self._scripts = scripts
        self._cluster: RedisCluster | None = None
        self._links: dict[str, PoolLink] = {}
        self._due: deque[PoolLink] = deque()

    def open(self) -> None:
        self.opened += 1
        try:
            self._cluster = RedisCluster.from_url(self._url, protocol=2)
            for node in self._cluster.get_primaries():  # type: ignore[no-untyped-call]  # redis-py has no types here
                pool = self._cluster.get_redis_connection(node).connection_pool
                link = PoolLink(pool, self._scripts, owned=True)
                self._links[node.name] = link
                link.open()
            self.is_open = True
        except LinkDown:
            self.drop()
            raise
        except _FAILED as exc:
            self.drop()
            # redis-py says that no node can be reached, and has the reason as its cause.
            cause = exc.__cause__ if isinstance(exc.__cause__, _FAILED) else exc
            raise LinkDown(cause) from exc

    def send(self, commands: Sequence[Command]) -> None:
        batches: dict[PoolLink, list[Command]] = {}
        for command in commands:
            link = self._route(command)
            batches.setdefault(link, []).append(command)
            self._due.append(link)
        for link, batch in batches.items():
            link.send(batch)

    def _route(self, command: Command) -> PoolLink:
        """The link to the node of the command's key; commands without one go anywhere."""
        if self._cluster is None:
            raise LinkDown(ConnectionError("the connection was closed"))
        if isinstance(command, Packed):
            key = command.key
        elif command[0] in _KEYLESS:
            return next(iter(self._links.values()))
        else:
            key = str(command[3] if command[0] == "EVALSHA" else command[1])
        try:
            node = self._cluster.get_node_from_key(key)  # type: ignore[no-untyped-call]  # as above
            return self._links[node.name]
        except (AttributeError, KeyError, *_FAILED) as exc:
            raise LinkDown(exc) from exc

    def read(self) -> Any:
        if not self._due:
            raise LinkDown(ConnectionError("the connection was closed"))
        reply = self._due.popleft().read()
        if isinstance(reply, redis_errors.AskError | redis_errors.MovedError):
            raise LinkDown(reply) from reply
        if isinstance(reply, redis_errors.ResponseError) and "non local key" in str(reply):
            # The slot is on its way to another node, with only a part of the run's keys.
            raise LinkDown(reply) from reply
        return reply

    def descriptor(self) -> None:
        """There are several, so a thread waits for replies."""

    def pending(self) -> bool:
        return False

    def drop(self) -> None:
        self.is_open = False
        cluster, self._cluster = self._cluster, None
        self._due.clear()
        links, self._links = self._links, {}
        for link in links.values():
            link.close()
        if cluster is not None:
            cluster.close()

    def close(self) -> None:
        self.drop()
