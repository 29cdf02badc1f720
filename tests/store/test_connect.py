"""A URL, or a client, names a store."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
import redis.asyncio

from langchain_durable.errors import ConfigurationError
from langchain_durable.journal import Retention
from langchain_durable.store import MemoryStore, open_store
from langchain_durable.store.connect import safe_url
from tests.servers import Server
from tests.store.making import ended, leased


def test_memory_is_one_store_per_name() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    assert open_store("memory://a") is open_store("memory://a")
    assert open_store("memory://a") is not open_store("memory://b")


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://localhost", "redis://localhost?db=x", "", "redis://[::1"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL cannot be used"):
        open_store(url)


def test_an_unknown_option_in_the_url_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nonsense"):
        open_store("redis://:secret@localhost?nonsense=1")


def test_the_password_is_not_told() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store("rediss+x://me:secret@localhost")
    assert "secret" not in str(caught.value)
    assert safe_url("redis://me:p%40ss@h:1/0") == "redis://me:***@h:1/0"


@pytest.mark.parametrize("client", [redis.asyncio.Redis(), object(), None])
def test_what_is_no_sync_client_is_refused(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be kept there"):
        open_store(client)


@pytest.mark.parametrize("prefix", ["", "a{b"])
def test_a_prefix_that_breaks_the_hash_tag_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="hash tag"):
        open_store("redis://localhost", prefix=prefix)


@pytest.mark.parametrize(
    "retention",
    [Retention(journal=10, header=9), Retention(journal=0, header=9), Retention(events=-1)],
)
def test_a_header_must_outlive_its_journal(retention: Retention) -> None:
    with pytest.raises(ConfigurationError, match="retention"):
        open_store("redis://localhost", retention=retention)


class Instrumented(redis.Redis):
    """A client that says where instrumentation would make a span."""

    def execute_command(self, *args: Any, **options: Any) -> NoReturn:
        raise AssertionError(f"a span for {args[0]}")

    def pipeline(self, *args: Any, **options: Any) -> NoReturn:
        raise AssertionError("a span for a pipeline")


def test_instrumentation_of_redis_sees_none_of_our_commands(valkey: Server, prefix: str) -> None:
    client = Instrumented(port=valkey.port)
    store = open_store(client, prefix=prefix)
    lease = leased(store)
    store.append(lease, [ended()], seq=2).result()
    assert len(store.load("r").result()) == 2
    store.close()
    client.close()
