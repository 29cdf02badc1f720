"""Which server the journal lives on: decided from the URL and the environment, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from langchain_durable.errors import ConfigurationError, ServerError


class RedisClient(Protocol):
    """A ``redis.Redis`` client, told by its pool: redis-py is imported at the first use only."""

    connection_pool: Any


class Source(StrEnum):
    """Where the choice comes from, in the order in which it is looked for."""

    ARGUMENT = "the URL given"
    DURABLE_VARIABLE = "LANGCHAIN_DURABLE_URL"
    REDIS_VARIABLE = "REDIS_URL"
    DEFAULT = "the default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A server: either ``url``, or the ``directory`` of the embedded one."""

    source: Source
    url: str = field(default="", repr=False)
    """May hold a password; :attr:`shown` does not."""
    directory: Path | None = None

    def __post_init__(self) -> None:
        if bool(self.url) == (self.directory is not None):
            raise ValueError("a choice is either a URL or a directory")

    @property
    def shown(self) -> str:
        """Where the server is, for people: without password, user and options."""
        if self.directory is not None:
            return f"embedded://{self.directory}"
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def may_be_a_cache(self) -> bool:
        """Whether ``refuse_cache`` must be asked: nobody said that this server is for journals."""
        return self.source is Source.REDIS_VARIABLE and self.directory is None


_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster", "memory")
_SAME_SERVER = {"valkey": "redis", "valkeys": "rediss"}


def choose(url: str | None, env: Mapping[str, str]) -> Choice:
    """Give the server to use: the URL, ``LANGCHAIN_DURABLE_URL``, ``REDIS_URL``, embedded.

    ``embedded://`` is the embedded server in its default directory, and
    ``embedded:///some/path`` in that one. ``valkey://`` means ``redis://``. Whether the
    store can open the URL is the store's to say. Raises
    ``ConfigurationError`` for a URL that is none.
    """
    offers = (
        (Source.ARGUMENT, url),
        (Source.DURABLE_VARIABLE, env.get("LANGCHAIN_DURABLE_URL")),
        (Source.REDIS_VARIABLE, env.get("REDIS_URL")),
    )
    for source, offer in offers:
        if offer is not None and offer.strip():
            return _read(source, offer.strip(), env)
        if source is Source.ARGUMENT and offer is not None:
            # An empty setting must not silently become a journal on this machine's disk.
            raise _no_url(source, offer)
    return Choice(source=Source.DEFAULT, directory=_default_directory(env))


def _default_directory(env: Mapping[str, str]) -> Path:
    # Imported here: most programs have a URL and need nothing of the embedded server.
    from langchain_durable.embedded.place import default_directory

    return default_directory(env)


def _read(source: Source, url: str, env: Mapping[str, str]) -> Choice:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if separator and scheme == "embedded":
        return Choice(source=source, directory=_directory(source, url, env))
    scheme = _SAME_SERVER.get(scheme, scheme)
    if not separator or scheme not in _SCHEMES:
        raise _no_url(source, url)
    return Choice(source=source, url=f"{scheme}://{rest}")


def _directory(source: Source, url: str, env: Mapping[str, str]) -> Path:
    parts = urlsplit(url)
    if parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"This embedded URL ({source}) is not understood.",
            expected="embedded:// or embedded:///absolute/path, with ? and # percent-encoded",
            came=url,
            do="use three slashes before an absolute path",
        )
    path = unquote(parts.path)
    return Path(path) if path.strip("/") else _default_directory(env)


def _no_url(source: Source, url: str) -> ConfigurationError:
    scheme = url.partition("://")[0] if "://" in url else ""
    return ConfigurationError(
        f"The journal's server is not a URL that is known ({source}).",
        expected="redis://host:port/db, rediss://, redis+cluster://host:port, unix:///path or"
        " embedded://",
        # Never the whole string: it may hold a password.
        came=f"the scheme {scheme!r}" if scheme else ("no scheme" if url.strip() else "nothing"),
        do="write for example redis://localhost:6379/0, or leave it out for an embedded server",
    )


def refuse_cache(choice: Choice, facts: Mapping[str, Any]) -> None:
    """Raise ``ServerError`` if an app's ``REDIS_URL`` may evict a journal.

    ``facts`` are those of ``Store.describe``. A server that was named for journals (a URL
    given, ``LANGCHAIN_DURABLE_URL``) is never refused: ``doctor`` tells about it.
    """
    if not choice.may_be_a_cache:
        return
    policy = str(facts.get("eviction") or "")
    if policy == "noeviction":
        return
    if policy not in ("", "unknown"):
        raise ServerError(
            "REDIS_URL names a server that evicts keys, as a cache does; a journal there could"
            " lose a run's steps without a word.",
            expected="maxmemory-policy noeviction",
            came=f"maxmemory-policy {policy}",
            do="set LANGCHAIN_DURABLE_URL to a server for journals (or embedded://), or run"
            " `CONFIG SET maxmemory-policy noeviction` on this one",
        )
    raise ServerError(
        "It is unknown whether the server that REDIS_URL names evicts keys, and a journal"
        " must not be evicted.",
        expected="maxmemory-policy noeviction, as CONFIG GET or INFO memory tells it",
        came="no answer (a managed server may forbid both)",
        do="check the policy where the server is managed; if it is noeviction, say so by setting"
        " LANGCHAIN_DURABLE_URL to the same URL",
    )
