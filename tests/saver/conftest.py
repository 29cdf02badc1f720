"""A saver of its own for every test, on each server that this machine has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from langchain_durable.saver import RedisSaver
from tests.servers import start_redis, start_valkey


@pytest.fixture(scope="session", params=[start_redis, start_valkey], ids=["redis", "valkey"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with request.param(tmp_path_factory.mktemp("server")) as running:
        yield running.url


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
