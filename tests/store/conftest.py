"""Stores to test, on real servers that are started once per session."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from langchain_durable.journal import Store
from langchain_durable.store import MemoryStore, open_store
from langchain_durable.waiting import Ticket
from tests.servers import LOSES_NOTHING, Server, start_redis, start_valkey

T = TypeVar("T")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_valkey(tmp_path_factory.mktemp("valkey"), tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Key prefix of this test alone."""
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["memory", "valkey", "redis"])
def store(request: pytest.FixtureRequest, prefix: str) -> Iterator[Store]:
    """The store under test; on a server, its keys are checked for leaks afterwards."""
    if request.param == "memory":
        yield MemoryStore()
        return
    name = "valkey" if request.param == "valkey" else "redis_server"
    server: Server = request.getfixturevalue(name)
    opened = open_store(server.url, prefix=prefix)
    yield opened
    opened.close()
    check_keys(server, prefix)


@pytest.fixture
def on_valkey(valkey: Server, prefix: str) -> Iterator[Store]:
    """A store on Valkey, for what only a server can show."""
    opened = open_store(valkey.url, prefix=prefix)
    yield opened
    opened.close()
    check_keys(valkey, prefix)


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Server]:
    """A server for this test alone, which may hurt it."""
    with start_valkey(tmp_path / "valkey", *LOSES_NOTHING, tcp=True) as server:
        yield server


@pytest.fixture
def own_store(own_valkey: Server) -> Iterator[Store]:
    opened = open_store(own_valkey.url)
    yield opened
    opened.close()


class Caller:
    """Asks a store in the manner of a sync or of an async program."""

    def __init__(self, runner: asyncio.Runner | None) -> None:
        self._runner = runner

    def __call__(self, make: Callable[[], Ticket[T]]) -> T:
        if self._runner is None:
            return make().result()
        return self._runner.run(_asked(make))


async def _asked(make: Callable[[], Ticket[T]]) -> T:
    return await make().aresult()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Iterator[Caller]:
    if request.param == "sync":
        yield Caller(None)
        return
    with asyncio.Runner() as runner:
        yield Caller(runner)


def check_keys(server: Server, prefix: str) -> None:
    """Every key of a run has its hash tag, and none is left without a header to end it."""
    with server.client() as client:
        for key in client.scan_iter(match=f"{prefix}:*"):
            name = key.decode()
            if name.startswith(f"{prefix}:runs:"):
                continue
            tag, _, part = name.removeprefix(f"{prefix}:").rpartition(":")
            assert tag.startswith("{"), name
            assert tag.endswith("}"), name
            header = client.hgetall(f"{prefix}:{tag}:meta")
            status = header.get(b"status")
            if status in (b"completed", b"failed", b"cancelled"):
                assert client.ttl(key) > 0, f"{name} of a run that has ended never expires"
            elif status is not None:
                assert client.ttl(key) == -1, f"{name} of a {status!r} run expires"
            assert part in ("meta", "journal", "blobs", "events", "inbox"), name
