"""A saver of its own for every test, on each server that this machine has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from langchain_durable.saver import RedisSaver
from tests.saver.servers import binaries, running


@pytest.fixture(scope="session", params=["redis", "valkey"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    binary = binaries().get(request.param)
    if binary is None:
        pytest.skip(f"no {request.param} server on this machine")
    with running(binary, Path(tmp_path_factory.mktemp("server"))) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[redis.Redis]:
    """A client of the same server, which the test finds empty."""
    with redis.Redis.from_url(server) as client:
        client.flushall()
        yield client


@pytest.fixture
def saver(server: str, client: redis.Redis) -> Iterator[RedisSaver]:
    with RedisSaver(server) as saver:
        yield saver
