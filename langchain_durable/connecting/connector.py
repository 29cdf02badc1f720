"""From a handle's options to its runtime: made once, at the first use."""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_durable.arguments import check, is_key_text, is_number
from langchain_durable.codec import Codec
from langchain_durable.connecting.server_url import Choice, RedisClient, choose, refuse_cache
from langchain_durable.journal import Retention, Store
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.recorder.settings import Settings
from langchain_durable.waiting import Blocking, Procedure

_handles = itertools.count(1)
_connectors: weakref.WeakSet[Connector] = weakref.WeakSet()


class Connector:
    """Opens a handle's store: a URL, a client, or the embedded server."""

    def __init__(
        self,
        url: str | RedisClient | None,
        *,
        settings: Settings,
        prefix: str,
        retry_for: float,
        retention: Retention | None,
        codec: Mapping[str, Any],
    ) -> None:
        _check_options(prefix, retry_for, retention)
        self.settings = settings
        self.prefix = prefix
        self.allow: Sequence[type] = codec["allow"]
        self._given = url
        self._choice = choose(url, os.environ) if url is None or isinstance(url, str) else None
        self.retention = retention or Retention()
        self._options: dict[str, Any] = {
            "prefix": prefix,
            "retention": self.retention,
            "retry_for": retry_for,
        }
        self.codec = Codec(**codec)
        # Masked ids would break a checkpoint: what is redacted is what the journal keeps.
        redacts = codec.get("redact") is not None
        self.state_codec = Codec(**{**codec, "redact": None}) if redacts else self.codec
        self._number = next(_handles)
        self._lock = threading.Lock()
        self._runtime: Runtime | None = None
        self._server: Any = None
        self._beside: list[Callable[[], None]] = []
        _connectors.add(self)

    def connected(self) -> Procedure[Runtime]:
        """The runtime. The first time this blocks, so an event loop has it done in a thread."""
        if self._runtime is None:
            yield Blocking(self.connect)
        assert self._runtime is not None  # connect has set it or raised
        return self._runtime

    def connect(self) -> Runtime:
        """Open the store, if it is not open yet."""
        # Here and below redis-py is imported at the first use: it takes long.
        from langchain_durable.store.owner import is_dead

        with self._lock:
            if self._runtime is None:
                self._runtime = Runtime(
                    store=self._open(),
                    codec=self.codec,
                    settings=self.settings,
                    owner=self._owner,
                    is_dead=is_dead,
                )
                self.settings.telemetry.warm()
            return self._runtime

    def _owner(self) -> str:
        from langchain_durable.store.owner import this_owner

        # Two handles of one process are two owners: neither may walk into the other's run.
        return f"{this_owner()}.{self._number}"

    def _open(self) -> Store:
        from langchain_durable.embedded import EmbeddedServer
        from langchain_durable.store import open_store

        if self._choice is None:
            return open_store(self._given, **self._options)  # type: ignore[arg-type]  # a client, no URL
        if self._choice.directory is not None:
            self._server = EmbeddedServer(self._choice.directory)
            self._server.ensure()
            # Registered after the server's own release, so it runs before: our connection
            # must be gone when the server asks whether anybody still uses it.
            atexit.register(self.close)
            return open_store(self._server.url, **self._options, revive=self._revive)
        store = open_store(self._choice.url, **self._options)
        self._refuse_cache(self._choice, store)
        return store

    def _refuse_cache(self, choice: Choice, store: Store) -> None:
        if choice.may_be_a_cache:
            refuse_cache(choice, store.describe().result())

    def _revive(self) -> None:
        if self._server is not None:
            self._server.ensure()

    @property
    def shown(self) -> str:
        """Where the journal is, for people, without connecting to it."""
        return type(self._given).__name__ if self._choice is None else self._choice.shown

    @property
    def server(self) -> Any:
        """The URL or client of the server in use, for those that connect on their own."""
        self.connect()
        if self._server is not None:
            return self._server.url
        return self._choice.url if self._choice is not None else self._given

    def close_with(self, close: Callable[[], None]) -> None:
        """Have connections of others to the server closed before it is let go."""
        self._beside.append(close)

    def close(self) -> None:
        """Flush and close the store, and let an embedded server go."""
        for close in self._beside:
            close()
        with self._lock:
            runtime, self._runtime = self._runtime, None
            server, self._server = self._server, None
        if runtime is not None:
            runtime.close()
        if server is not None:
            atexit.unregister(self.close)  # it would be kept until then
            server.release()

    def forget_parent(self) -> None:
        """In a forked child: the parent's lock may be held, and its runs are not ours."""
        self._lock = threading.Lock()
        if self._runtime is not None:
            self._runtime.forget_parent()


def _check_options(prefix: Any, retry_for: Any, retention: Any) -> None:
    check(
        is_key_text(prefix) and prefix != "",
        "prefix",
        prefix,
        expected="a text that all keys begin with, and that UTF-8 can encode",
        do="leave it out for 'lcd'",
    )
    check(
        is_number(retry_for, 0),
        "retry_for",
        retry_for,
        expected="seconds, 0 or more",
        do="leave it out for 30",
    )
    check(
        retention is None or isinstance(retention, Retention),
        "retention",
        retention,
        expected="a Retention",
        do="write retention=Retention(journal=seconds, header=seconds)",
    )


def _after_fork() -> None:
    for connector in list(_connectors):
        connector.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
