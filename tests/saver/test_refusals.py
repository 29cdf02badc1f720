"""What the saver refuses: hostile and damaged data, wrong ids, servers that are away."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
import redis
import redis.asyncio
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.serde.base import CipherProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from langchain_durable.errors import (
    ConfigurationError,
    JournalCorrupt,
    JournalReadOnly,
    JournalTooNew,
    JournalUnavailable,
)
from langchain_durable.saver import RedisSaver
from tests.saver.checkpoints import messages, put, thread, values
from tests.servers import start_redis


@dataclass
class Mine:
    """A class that no serializer knows."""

    value: int


class Reversed(CipherProtocol):
    """Not a cipher, but enough to see what is written."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        return "rev", os.urandom(4) + plaintext[::-1]

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        return ciphertext[:3:-1]


def replace(client: redis.Redis, kind: bytes, change: Any) -> None:
    """Change the thread's fields of one kind behind the saver's back."""
    (data,) = client.keys("*:data")
    for field, body in client.hgetall(data).items():
        if field[:1] == kind:
            client.hset(data, field, change(body))


def hostile(target: Path) -> bytes:
    """A value that makes a permissive serializer create a file."""
    call = ormsgpack.packb(("os", "system", f"touch {target}"))
    return b"V" + bytes([7]) + b"msgpack" + ormsgpack.packb(ormsgpack.Ext(0, call))


def test_a_hostile_value_is_not_executed(
    client: redis.Redis, saver: RedisSaver, tmp_path: Path
) -> None:
    put(saver, thread(), {"c": 1})
    replace(client, b"v", lambda _: hostile(tmp_path / "executed"))

    values(saver, thread())

    assert not (tmp_path / "executed").exists()


def test_an_allowlist_does_not_let_anything_else_through(
    client: redis.Redis, saver: RedisSaver, tmp_path: Path
) -> None:
    put(saver, thread(), {"c": 1})
    replace(client, b"v", lambda _: hostile(tmp_path / "executed"))

    values(saver.with_allowlist([(Mine.__module__, "Mine")]), thread())

    assert not (tmp_path / "executed").exists()


def test_a_class_of_the_program_needs_the_allowlist(saver: RedisSaver) -> None:
    put(saver, thread(), {"c": Mine(1)})

    allowing = saver.with_allowlist([(Mine.__module__, "Mine")])

    assert values(saver, thread()) == {"c": {"value": 1}}
    assert values(allowing, thread()) == {"c": Mine(1)}


def test_a_saver_with_an_allowlist_shares_the_connections(saver: RedisSaver) -> None:
    allowing = saver.with_allowlist([(Mine.__module__, "Mine")])

    assert isinstance(allowing, RedisSaver)
    assert allowing._commands is saver._commands


def test_everything_goes_through_the_given_serializer(server: str, client: redis.Redis) -> None:
    serde = EncryptedSerializer(Reversed(), JsonPlusSerializer(allowed_msgpack_modules=None))
    secret = [HumanMessage("the secret", id="1")]
    with RedisSaver(server, serde=serde) as saver:
        config = put(saver, thread(), {"c": "the secret", "m": secret}, note="the secret")
        saver.put_writes(config, [("m", secret), ("c", ["the secret"])], "task")
        assert values(saver, thread()) == {"c": "the secret", "m": secret}

    (data,) = client.keys("*:data")
    assert not [body for body in client.hvals(data) if b"the secret" in body]


def test_encrypted_messages_are_stored_once_too(server: str, client: redis.Redis) -> None:
    def items() -> int:
        (data,) = client.keys("*:data")
        return sum(field[:1] == b"i" for field in client.hkeys(data))

    for at in range(2):
        with RedisSaver(server, serde=EncryptedSerializer(Reversed())) as saver:
            known = values(saver, thread())["m"] if at else messages(40)
            put(saver, thread(), {"m": known}, {"m": at})
            put(saver, thread(), {"m": [*known, known[0]]}, {"m": at + 2})

    assert items() == 40


def test_a_plain_value_is_refused_where_all_are_encrypted(
    server: str, client: redis.Redis, tmp_path: Path
) -> None:
    with RedisSaver(server, serde=EncryptedSerializer(Reversed())) as saver:
        put(saver, thread(), {"c": 1})
        replace(client, b"v", lambda _: hostile(tmp_path / "executed"))

        with pytest.raises(JournalCorrupt, match="not encrypted"):
            saver.get_tuple(thread())

    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", [b"c", b"v", b"w", b"i", b"k"])
@pytest.mark.parametrize(
    "change",
    [lambda body: body[:-1], lambda body: body[: len(body) // 2], lambda _: b"\x01"],
    ids=["cut", "halved", "one byte"],
)
def test_damaged_data_is_an_error_of_ours(
    client: redis.Redis, saver: RedisSaver, kind: bytes, change: Any
) -> None:
    config = put(saver, thread(), {"m": messages(40), "c": {"x": 1}})
    saver.put_writes(config, [("m", messages(41)[-1])], "task")
    replace(client, kind, change)

    with pytest.raises(JournalCorrupt):
        saver.get_tuple(thread())


@pytest.mark.parametrize("kind", [b"w", b"i", b"k"])
def test_missing_data_is_an_error_of_ours(
    client: redis.Redis, saver: RedisSaver, kind: bytes
) -> None:
    config = put(saver, thread(), {"m": messages(40)})
    saver.put_writes(config, [("m", messages(41)[-1])], "task")
    (data,) = client.keys("*:data")
    client.hdel(data, *(field for field in client.hkeys(data) if field[:1] == kind))

    with pytest.raises(JournalCorrupt):
        saver.get_tuple(thread())


def test_a_record_of_a_newer_release_says_so(client: redis.Redis, saver: RedisSaver) -> None:
    put(saver, thread())
    replace(client, b"c", lambda body: b"\x02" + body[1:])

    with pytest.raises(JournalTooNew, match="upgrade"):
        saver.get_tuple(thread())


def test_keys_of_another_program_are_an_error_of_ours(
    client: redis.Redis, saver: RedisSaver
) -> None:
    client.set("lcd:thread:{t}:data", "mine")

    with pytest.raises(JournalCorrupt, match="prefix"):
        put(saver, thread())


@pytest.mark.parametrize(
    "configurable",
    [
        {},
        {"thread_id": None},
        {"thread_id": ""},
        {"thread_id": "a\0b"},
        {"thread_id": "\ud800"},
        {"thread_id": "t" * 5000},
        {"thread_id": ["t"]},
        {"thread_id": "t", "checkpoint_ns": 7},
        {"thread_id": "t", "checkpoint_id": 7},
    ],
    ids=ascii,
)
def test_an_id_that_cannot_be_a_key_is_refused(saver: RedisSaver, configurable: Any) -> None:
    with pytest.raises(ConfigurationError):
        saver.get_tuple({"configurable": configurable})


def test_a_number_is_a_thread_id(saver: RedisSaver) -> None:
    saver.put({"configurable": {"thread_id": 7}}, *_empty())

    assert saver.get_tuple(thread("7")) is not None


def test_writes_need_a_checkpoint(saver: RedisSaver) -> None:
    with pytest.raises(ConfigurationError, match="checkpoint_id"):
        saver.put_writes(thread(), [("c", 1)], "task")


@pytest.mark.parametrize(
    "options", [{"prefix": ""}, {"prefix": "{x}"}, {"ttl": 0}, {"ttl": -1}], ids=str
)
def test_options_that_make_no_sense_are_refused(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        RedisSaver("redis://localhost", **options)


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:6379", "http://localhost", "", "redis://h:port"),
        *("redis+cluster://", "redis+cluster://h/1", "unix+cluster:///s"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        RedisSaver(url)


async def test_an_async_client_is_refused() -> None:
    client = redis.asyncio.Redis()
    with pytest.raises(ConfigurationError, match="threads"):
        RedisSaver(client)  # type: ignore[arg-type]  # that is the test
    await client.aclose()


def test_a_server_that_is_away_is_an_error_of_ours(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server:
        url = server.url
    with RedisSaver(url) as saver, pytest.raises(JournalUnavailable, match="cannot be reached"):
        saver.get_tuple(thread())


def test_a_replica_is_an_error_of_ours(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server, RedisSaver(server.url) as saver:
        put(saver, thread())
        with server.client() as client:
            client.replicaof("127.0.0.1", "1")

        with pytest.raises(JournalReadOnly, match="primary"):
            put(saver, thread())


def test_a_full_server_is_an_error_of_ours(tmp_path: Path) -> None:
    with (
        start_redis(tmp_path, "--maxmemory", "1") as server,
        RedisSaver(server.url) as saver,
        pytest.raises(JournalReadOnly, match="maxmemory"),
    ):
        put(saver, thread())


def test_a_server_that_was_restarted_is_told_the_scripts_again(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server, RedisSaver(server.url) as saver:
        put(saver, thread(), {"c": 1})
        with server.client() as client:
            client.script_flush()

        assert values(saver, thread()) == {"c": 1}


async def test_the_event_loop_is_not_blocked(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server, RedisSaver(server.url) as saver:
        put(saver, thread())
        server.pause()
        reading = asyncio.ensure_future(saver.aget_tuple(thread()))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not reading.done()
        server.resume()

        assert await reading is not None


def test_a_saver_works_in_each_of_two_event_loops(saver: RedisSaver) -> None:
    put(saver, thread(), {"c": 1})

    found = [asyncio.run(saver.aget_tuple(thread())) for _ in range(2)]

    assert found[0] == found[1]


def _empty() -> Any:
    return {"v": 4, "id": "1", "ts": "", "channel_versions": {}, "versions_seen": {}}, {}, {}
