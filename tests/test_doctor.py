"""What the doctor says about facts, and about real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from langchain_durable.connecting.server_url import Choice, Source, refuse_cache
from langchain_durable.doctor import Facts, Finding, Level, examine, judge
from langchain_durable.embedded import EmbeddedServer
from langchain_durable.errors import ServerError
from langchain_durable.installation import Extra, Installation, Package
from langchain_durable.journal import Store
from langchain_durable.store import open_store

SOUND: dict[str, Any] = {
    "server": "redis",
    "version": "7.0.15",
    "eviction": "noeviction",
    "appendonly": True,
    "appendfsync": "everysec",
    "role": "master",
    "cluster": False,
    "url": "redis://localhost/0",
    "used_memory": 1 << 20,
    "maxmemory": 0,
    "aof_last_write_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "time_ms": 1_000_000.0,
}


def findings(*, round_trip_ms: float = 0.3, **changes: Any) -> dict[str, Finding]:
    facts = Facts(server={**SOUND, **changes}, round_trip_ms=round_trip_ms, asked_ms=1_000_100.0)
    return {finding.name: finding for finding in judge(facts)}


def test_a_sound_server_has_nothing_to_complain_about() -> None:
    complaints = [finding for finding in findings().values() if finding.level is not Level.OK]
    assert [finding.name for finding in complaints] == ["extras"]  # no installation was given


@pytest.mark.parametrize(
    ("server", "version", "level"),
    [
        ("redis", "6.2.14", Level.FAIL),
        ("redis", "7.0.0", Level.OK),
        ("redis", "10.0.1", Level.OK),
        ("valkey", "7.2.5", Level.OK),
        ("dragonfly", "1.0", Level.WARN),
        ("memory", "", Level.WARN),
        ("redis", "unknown", Level.WARN),
    ],
)
def test_the_servers_kind_and_version_are_judged(server: str, version: str, level: Level) -> None:
    assert findings(server=server, version=version)["server"].level is level


@pytest.mark.parametrize(
    ("policy", "level"),
    [("allkeys-lru", Level.FAIL), ("volatile-ttl", Level.FAIL), ("unknown", Level.WARN)],
)
def test_a_server_that_evicts_is_refused(policy: str, level: Level) -> None:
    found = findings(eviction=policy)["eviction"]
    assert found.level is level
    assert "noeviction" in found.do


@pytest.mark.parametrize(
    ("appendonly", "fsync", "level", "says"),
    [
        (True, "always", Level.OK, "a power cut on this one node"),
        (True, "everysec", Level.OK, "a power cut can take the last two seconds"),
        (True, "no", Level.WARN, "half minute"),
        (True, "unknown", Level.WARN, "appendfsync is unknown"),
        (False, "everysec", Level.WARN, "a restart of the server loses every step"),
        ("unknown", "unknown", Level.WARN, "does not tell"),
    ],
)
def test_what_the_persistence_survives_is_said(
    appendonly: bool | str, fsync: str, level: Level, says: str
) -> None:
    found = findings(appendonly=appendonly, appendfsync=fsync)["persistence"]
    assert found.level is level
    assert says in found.found


def test_a_replica_is_refused() -> None:
    assert findings(role="slave")["role"].level is Level.FAIL


def test_a_disk_that_refuses_writes_is_named() -> None:
    found = findings(aof_last_write_status="err")["disk"]
    assert found.level is Level.FAIL
    assert "aof_last_write_status is err" in found.found


@pytest.mark.parametrize(("used", "level"), [(50, Level.OK), (85, Level.WARN), (100, Level.FAIL)])
def test_memory_that_runs_out_is_noticed_before_it_has(used: int, level: Level) -> None:
    assert findings(used_memory=used, maxmemory=100)["memory"].level is level


def test_a_replicated_server_may_lose_steps_in_a_failover() -> None:
    assert "failover" in findings(connected_replicas=2)["replicas"].found


@pytest.mark.parametrize(
    ("url", "level"),
    [("redis+cluster://h", Level.OK), ("rediss+cluster://h", Level.OK), ("redis://h", Level.WARN)],
)
def test_a_cluster_needs_a_url_of_its_own(url: str, level: Level) -> None:
    assert findings(cluster=True, url=url)["cluster"].level is level


def test_a_slow_way_to_the_server_is_noticed() -> None:
    assert findings(round_trip_ms=45.0)["round trip"].level is Level.WARN


@pytest.mark.parametrize(("time_ms", "says"), [(0.0, "ahead of"), (2_000_000.0, "behind")])
def test_clocks_that_differ_are_a_warning(time_ms: float, says: str) -> None:
    found = findings(time_ms=time_ms)["clock"]
    assert found.level is Level.WARN
    assert says in found.found


def test_facts_that_the_server_does_not_tell_are_no_failure() -> None:
    bare = judge(Facts(server={"server": "redis", "version": "7.2.0"}))
    assert Level.FAIL not in {finding.level for finding in bare}


INSTALLED = Installation(
    packages=(
        Package(name="redis", version="6.0", wanted="<9,>=6.4", fits=False, required=True),
        Package(name="langchain"),
    ),
    extras=(Extra(name="cli", missing=("typer",)), Extra(name="embedded")),
)


def installed() -> dict[str, Finding]:
    return {finding.name: finding for finding in judge(Facts(installation=INSTALLED))}


def test_a_package_that_does_not_fit_is_a_failure_with_its_pip_line() -> None:
    assert installed()["redis"].level is Level.FAIL
    assert installed()["redis"].do == "pip install 'redis<9,>=6.4'"


def test_a_package_that_is_optional_may_be_absent() -> None:
    assert installed()["langchain"].level is Level.OK


def test_an_extra_that_is_absent_has_its_pip_line() -> None:
    assert installed()["extra cli"].do == "pip install 'langchain-durable[cli]'"
    assert installed()["extra embedded"].found == "installed"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path / "home")
    server.ensure()
    yield server
    server.stop()


@pytest.fixture
def admin(server: EmbeddedServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


@pytest.fixture
def open_at(server: EmbeddedServer) -> Iterator[Callable[[str], Store]]:
    """Open stores that are closed after the test."""
    stores: list[Store] = []

    def open_it(query: str = "") -> Store:
        stores.append(open_store(server.url + query, retry_for=0.2))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


def test_the_embedded_server_is_sound(open_at: Callable[[str], Store]) -> None:
    found = {finding.name: finding for finding in examine(open_at(""))}
    for name in ("server", "role", "eviction", "persistence", "disk", "memory", "clock"):
        assert found[name].level is Level.OK, found[name]
    assert "everysec" in found["persistence"].found


def test_what_was_changed_on_a_real_server_is_found(
    open_at: Callable[[str], Store], admin: redis.Redis
) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    admin.config_set("appendfsync", "always")
    admin.config_set("maxmemory", "1gb")
    found = {finding.name: finding for finding in examine(open_at(""))}
    assert found["eviction"].level is Level.FAIL
    assert "fsync always" in found["persistence"].found
    assert "1024.0 MiB" in found["memory"].found


def test_a_user_that_may_not_ask_gets_warnings_instead_of_facts(
    open_at: Callable[[str], Store], admin: redis.Redis
) -> None:
    admin.acl_setuser(
        "app", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-info", "-config"]
    )
    store = open_at("?username=app&password=pw")
    found = {finding.name: finding for finding in examine(store)}
    assert found["eviction"].level is Level.WARN
    assert found["persistence"].level is Level.WARN
    cache = Choice(source=Source.REDIS_VARIABLE, url="redis://cache")
    with pytest.raises(ServerError, match="same URL"):
        refuse_cache(cache, store.describe().result())


def test_a_real_replica_is_found(open_at: Callable[[str], Store], admin: redis.Redis) -> None:
    admin.replicaof("127.0.0.1", 1)
    found = {finding.name: finding for finding in examine(open_at(""))}
    assert found["role"].level is Level.FAIL


def test_a_server_that_is_not_there_is_a_finding(
    server: EmbeddedServer, open_at: Callable[[str], Store]
) -> None:
    server.stop()
    found = {finding.name: finding for finding in examine(open_at(""))}
    assert found["connection"].level is Level.FAIL
    assert found["python"].level is Level.OK
