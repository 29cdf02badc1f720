"""Threads as a whole: lists, removal, copies, time to live, and their keys on a Cluster."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from langchain_durable.errors import ConfigurationError
from langchain_durable.saver import RedisSaver, for_run
from tests.saver.checkpoints import checkpoint, found_keys, messages, put, thread, values
from tests.servers import free_port, start_redis, start_valkey

ODD_NAMES = ["plain", "{", "}", "}{", "a}b{c", "%7B", "", "ü/:*?[x]", "\n", "x" * 4000]


def chain(saver: RedisSaver, count: int, name: str = "t", ns: str = "") -> list[str]:
    """Checkpoints one after the other; gives their ids."""
    config = thread(name, ns)
    ids = []
    for step in range(count):
        said = {"messages": messages(step + 1)}
        config = put(saver, config, said, {"messages": step + 1}, step=step, odd=step % 2)
        saver.put_writes(config, [("messages", messages(step + 2)[-1])], f"task{step}")
        ids.append(config["configurable"]["checkpoint_id"])
    return ids


def ids(saver: RedisSaver, config: Any, **options: Any) -> list[str]:
    return [item.checkpoint["id"] for item in saver.list(config, **options)]


def test_a_list_reads_page_after_page(saver: RedisSaver) -> None:
    made = chain(saver, 40)

    assert ids(saver, thread()) == made[::-1]


async def test_an_async_list_gives_the_same(saver: RedisSaver) -> None:
    chain(saver, 40)

    assert [item async for item in saver.alist(thread())] == list(saver.list(thread()))


def test_filter_before_and_limit_work_together(saver: RedisSaver) -> None:
    made = chain(saver, 10)

    found = ids(saver, thread(), filter={"odd": 1}, before=thread(checkpoint=made[8]), limit=2)

    assert found == [made[7], made[5]]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_checkpoint_is_listed_under_a_limit_of_none(saver: RedisSaver, limit: int) -> None:
    chain(saver, 2)

    assert ids(saver, thread(), limit=limit) == []


def test_an_unknown_metadata_key_matches_nothing(saver: RedisSaver) -> None:
    chain(saver, 2)

    assert ids(saver, thread(), filter={"no such": "key"}) == []


def test_the_root_is_a_namespace_like_any_other(saver: RedisSaver) -> None:
    root, child = chain(saver, 2, ns=""), chain(saver, 2, ns="child:1")

    assert ids(saver, thread(ns="")) == root[::-1]
    assert ids(saver, thread(ns="child:1")) == child[::-1]
    assert ids(saver, {"configurable": {"thread_id": "t"}}) == [*child[::-1], *root[::-1]]


def test_a_namespace_that_begins_like_another_is_another(saver: RedisSaver) -> None:
    chain(saver, 1, ns="a")

    assert saver.get_tuple(thread(ns="")) is None
    assert saver.get_tuple(thread(ns="aa")) is None


def test_all_threads_are_listed_and_nothing_else(saver: RedisSaver) -> None:
    with RedisSaver(saver._commands._client, prefix="lcd2") as other:
        put(other, thread("other prefix"))
    for_run(saver, "r").put(thread(), checkpoint(), {}, {})
    names = {"a", "b{}", "%"}
    for name in names:
        chain(saver, 2, name)

    found = [item.config["configurable"]["thread_id"] for item in saver.list(None)]

    assert sorted(found) == sorted([*names, *names])


def test_a_removed_thread_leaves_no_key(client: redis.Redis, saver: RedisSaver) -> None:
    chain(saver, 3)
    chain(saver, 3, ns="child")

    saver.delete_thread("t")

    assert client.dbsize() == 0


def test_pruning_removes_messages_that_nothing_needs(
    client: redis.Redis, saver: RedisSaver
) -> None:
    first = put(saver, thread(), {"messages": messages(40), "other": messages(3)})
    put(saver, first, {"messages": messages(1)}, {"messages": 2, "other": 1})

    saver.prune(["t"])

    (data,) = found_keys(client, "*:data")
    kinds = sorted(field[:1] for field in client.hkeys(data))
    assert kinds == [b"c", b"i", b"i", b"i", b"v", b"v"]
    assert values(saver, thread()) == {"messages": messages(1), "other": messages(3)}


def test_what_was_pruned_can_be_put_again(saver: RedisSaver) -> None:
    first = put(saver, thread(), {"messages": messages(40)})
    second = put(saver, first, {"messages": messages(1)}, {"messages": 2})
    saver.prune(["t"])

    put(saver, second, {"messages": messages(40)}, {"messages": 3})

    assert values(saver, thread()) == {"messages": messages(40)}


def test_pruning_keeps_writes_whose_checkpoint_is_on_its_way(saver: RedisSaver) -> None:
    put(saver, thread())
    coming = checkpoint()
    saver.put_writes(thread(checkpoint=coming["id"]), [("c", messages(2))], "task")
    saver.prune(["t"])

    saver.put(thread(), coming, {}, {})

    found = saver.get_tuple(thread())
    assert found is not None
    assert found.pending_writes == [("task", "c", messages(2))]


def test_an_unknown_strategy_is_refused(saver: RedisSaver) -> None:
    with pytest.raises(ConfigurationError, match="keep_latest"):
        saver.prune(["t"], strategy="keep_some")


def test_a_copy_does_not_follow_its_source(saver: RedisSaver) -> None:
    chain(saver, 3)
    saver.copy_thread("t", "copy")
    saver.prune(["t"])
    chain(saver, 1)

    assert len(ids(saver, thread("copy"))) == 3
    assert values(saver, thread("copy")) == {"messages": messages(3)}


def test_every_write_renews_the_time_to_live_of_the_whole_thread(
    server: str, client: redis.Redis
) -> None:
    with RedisSaver(server, ttl=100) as saver:
        made = chain(saver, 2)
        for again in (
            lambda: put(saver, thread(checkpoint=made[-1])),
            lambda: saver.put_writes(thread(checkpoint=made[0]), [("c", 1)], "late"),
            lambda: saver.copy_thread("t", "copy"),
        ):
            for key in found_keys(client):
                client.expire(key, 5)
            again()
            touched = [key for key in found_keys(client) if client.ttl(key) > 90]
            assert len(touched) == 2
            assert len({key.rpartition(b":")[0] for key in touched}) == 1


def test_nothing_expires_unless_it_is_asked_for(client: redis.Redis, saver: RedisSaver) -> None:
    chain(saver, 2)

    assert {client.ttl(key) for key in found_keys(client)} == {-1}


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name], ids=ascii)
def test_all_keys_of_a_thread_share_one_slot(
    client: redis.Redis, saver: RedisSaver, name: str
) -> None:
    chain(saver, 2, name)
    chain(saver, 2, name, ns="child}:{1")

    found = found_keys(client)

    assert len({key_slot(key) for key in found}) == 1
    assert len(found) == 2
    assert [item.config["configurable"]["thread_id"] for item in saver.list(None, limit=1)] == [
        name
    ]


@pytest.mark.parametrize("start", [start_redis, start_valkey], ids=["redis", "valkey"])
def test_a_cluster_serves_every_method(start: Any, tmp_path: Path) -> None:
    # The bus would take the port plus 10000, which a free port need not have.
    bus = ("--cluster-port", str(free_port()))
    with start(tmp_path, "--cluster-enabled", "yes", *bus, tcp=True) as node:
        with node.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
                pass
        cluster = redis.RedisCluster.from_url(node.url)
        with RedisSaver(cluster) as saver:
            chain(saver, 3)
            saver.copy_thread("t", "copy")
            saver.prune(["t"])
            found = {item.config["configurable"]["thread_id"] for item in saver.list(None)}
            saver.delete_thread("t")
        assert found == {"t", "copy"}
        assert len(cluster.keys(target_nodes="all")) == 2
        cluster.close()
        del cluster
        gc.collect()
