"""A URL, or a client, names a store."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
import redis.asyncio
from pydantic import RedisDsn

from langchain_durable.errors import ConfigurationError, JournalUnavailable
from langchain_durable.journal import Retention
from langchain_durable.store import MemoryStore, open_store
from langchain_durable.store.connect import safe_url
from tests.servers import Server, free_port
from tests.store.making import ended, leased


def test_memory_is_one_store_per_name() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    assert open_store("memory://a") is open_store("memory://a")
    assert open_store("memory://a") is not open_store("memory://b")


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:6379", "http://localhost", "redis://localhost?db=x", "", "redis://[::1"),
        *("redis://localhost/abc", "redis://localhost/0/1", "redis://localhost/-1"),
        *("rediss://localhost/jobs", "redis+cluster://localhost/abc"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL cannot be used"):
        open_store(url)


def test_an_unknown_option_in_the_url_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nonsense"):
        open_store("redis://:secret@localhost?nonsense=1")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:p%40ss@h:1/0", "redis://me:***@h:1/0"),
        ("redis://:secret@h", "redis://:***@h"),
        ("redis://me@h:1", "redis://me@h:1"),
        ("redis://h:1/0?password=secret&db=1", "redis://h:1/0?password=***&db=***"),
        (
            "redis+cluster://h:1?username=me&password=se=cret",
            "redis+cluster://h:1?username=***&password=***",
        ),
        ("unix://me:secret@/s/ock?secret", "unix://me:***@/s/ock?***"),
        ("redis://:se/cr@et@h:1", "redis://:***@h:1"),
        ("redis://:se?cret@h:1", "an unreadable URL"),
        ("redis://[::1", "redis://[::1"),
    ],
)
def test_the_password_is_not_told(url: str, shown: str) -> None:
    assert safe_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "rediss+x://me:secret@localhost",
        "redis://localhost?password=secret&nonsense=1",
        "redis+cluster://localhost?password=secret&db=x",
    ],
)
def test_the_refusal_of_a_url_does_not_tell_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_a_cluster_that_cannot_be_reached_is_named_without_its_password() -> None:
    store = open_store(f"redis+cluster://127.0.0.1:{free_port()}?password=secret", retry_for=0.1)
    with pytest.raises(JournalUnavailable, match=r"redis\+cluster://127") as caught:
        store.header("r").result()
    assert "secret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    ("client", "do"),
    [
        (redis.asyncio.Redis(), "both sync and async"),
        (RedisDsn("redis://localhost"), r"as a str, such as str\("),
        (None, "as a str"),
    ],
)
def test_what_is_no_sync_client_is_refused(client: Any, do: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot be kept there.*{do}"):
        open_store(client)


@pytest.mark.parametrize("prefix", ["", "a{b"])
def test_a_prefix_that_breaks_the_hash_tag_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="hash tag"):
        open_store("redis://localhost", prefix=prefix)


@pytest.mark.parametrize(
    "lives", [{"journal": 10, "header": 9}, {"journal": 0, "header": 9}, {"events": -1}]
)
def test_a_header_must_outlive_its_journal(lives: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="retention"):
        Retention(**lives)


@pytest.mark.parametrize("life", [10**17, 3600.0, None, True, "day"])
def test_a_time_to_live_that_the_server_would_refuse_is_refused_at_once(life: Any) -> None:
    with pytest.raises(ConfigurationError, match="whole seconds"):
        Retention(events=life)


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
