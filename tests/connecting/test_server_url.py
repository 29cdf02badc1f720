"""The choice of a server, and the refusal of caches."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from langchain_durable import Durable
from langchain_durable.connecting.server_url import Choice, Source, choose, refuse_cache
from langchain_durable.errors import ConfigurationError, ServerError


def test_the_given_url_wins_over_the_environment() -> None:
    env = {"LANGCHAIN_DURABLE_URL": "redis://env", "REDIS_URL": "redis://cache"}
    assert choose("redis://given", env) == Choice(source=Source.ARGUMENT, url="redis://given")


def test_our_own_variable_wins_over_redis_url() -> None:
    env = {"LANGCHAIN_DURABLE_URL": "redis://env", "REDIS_URL": "redis://cache"}
    assert choose(None, env) == Choice(source=Source.DURABLE_VARIABLE, url="redis://env")


def test_redis_url_is_used_but_may_be_a_cache() -> None:
    choice = choose(None, {"REDIS_URL": "redis://cache"})
    assert choice.url == "redis://cache"
    assert choice.may_be_a_cache


def test_a_variable_that_is_empty_counts_as_unset() -> None:
    env = {"LANGCHAIN_DURABLE_URL": " ", "REDIS_URL": ""}
    assert choose(None, env).source is Source.DEFAULT


def test_without_a_url_the_embedded_server_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert choose(None, {}).directory == tmp_path / ".langchain_durable"


def test_the_home_variable_moves_the_embedded_server(tmp_path: Path) -> None:
    env = {"LANGCHAIN_DURABLE_HOME": str(tmp_path / "x")}
    assert choose(None, env).directory == tmp_path / "x"


def test_an_embedded_url_wins_over_redis_url() -> None:
    env = {"REDIS_URL": "redis://cache", "LANGCHAIN_DURABLE_HOME": "/srv/home"}
    assert choose("embedded://", env).directory == Path("/srv/home")


def test_an_embedded_url_may_name_its_directory() -> None:
    assert choose("embedded:///srv/a%20b", {}).directory == Path("/srv/a b")


@pytest.mark.parametrize("url", ["embedded://relative/dir", "embedded:///srv?x=1"])
def test_an_embedded_url_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="three slashes"):
        choose(url, {})


@pytest.mark.parametrize("url", ["localhost:6379", "http://x", "", "  "])
def test_a_url_of_no_known_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="redis://host:port/db"):
        choose(url, {})


def test_the_refusal_of_a_url_does_not_tell_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        choose("amqp://user:secret@host", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:secret@host:6380/2?password=secret", "redis://host:6380/2"),
        ("rediss://host", "rediss://host"),
        ("unix://:secret@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("embedded:///srv/journal", "embedded:///srv/journal"),
        ("memory://", "memory://"),
    ],
)
def test_a_handle_shows_its_server_and_no_password(url: str, shown: str) -> None:
    assert repr(Durable(url)) == f"<Durable on {shown}>"
    assert "secret" not in repr(choose(url, {}))


def test_a_handle_on_a_client_shows_its_class() -> None:
    client = redis.Redis(password="secret")
    assert repr(Durable(client)) == "<Durable on Redis>"


def test_a_valkey_url_is_said_as_the_client_knows_it() -> None:
    assert choose("valkeys://host:1/2", {}).url == "rediss://host:1/2"


CACHE = Choice(source=Source.REDIS_VARIABLE, url="redis://cache")


def test_a_cache_in_redis_url_is_refused() -> None:
    with pytest.raises(ServerError, match=r"allkeys-lru.*LANGCHAIN_DURABLE_URL"):
        refuse_cache(CACHE, {"eviction": "allkeys-lru"})


@pytest.mark.parametrize("facts", [{}, {"eviction": None}, {"eviction": "unknown"}])
def test_an_unknown_policy_is_refused_and_the_way_out_is_said(facts: dict[str, object]) -> None:
    with pytest.raises(ServerError, match="same URL"):
        refuse_cache(CACHE, facts)


def test_redis_url_without_eviction_is_accepted() -> None:
    refuse_cache(CACHE, {"eviction": "noeviction"})


def test_a_server_that_was_named_for_journals_is_not_refused() -> None:
    named = Choice(source=Source.DURABLE_VARIABLE, url="redis://cache")
    refuse_cache(named, {"eviction": "allkeys-lru"})


def test_a_choice_is_one_server() -> None:
    with pytest.raises(ValueError, match="either"):
        Choice(source=Source.DEFAULT)
