"""A Redis Cluster: one real node that owns all slots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_durable.errors import JournalUnavailable
from langchain_durable.events import RunStatus
from langchain_durable.journal import Close, Store, Verdict
from langchain_durable.store import open_store
from tests.servers import Server, free_port, start_valkey
from tests.store.conftest import check_keys
from tests.store.making import ended, leased, opening, started


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Server]:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with start_valkey(tmp_path, *options, tcp=True) as server:
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            deadline = time.monotonic() + 20
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < deadline
        yield server


@pytest.fixture
def clustered(node: Server) -> Iterator[Store]:
    store = open_store(node.url.replace("redis://", "redis+cluster://"))
    yield store
    store.close()
    check_keys(node, "lcd")


def test_a_run_lives_in_one_slot(clustered: Store) -> None:
    lease = leased(clustered)
    clustered.append(lease, [started()], seq=2)
    clustered.append(lease, [ended(payload=b"x" * 300_000)], seq=3).result()
    assert clustered.renew(lease, 1000).result() is False
    assert [record.seq for record in clustered.load("r").result()] == [1, 2, 3]
    assert clustered.describe().result()["cluster"] is True
    clustered.append(lease, [], seq=4, close=Close(status=RunStatus.FAILED)).result()
    [header] = clustered.headers().result()
    assert (header.run_id, header.status) == ("r", RunStatus.FAILED)
    assert clustered.cancel("r").result() == header
    assert clustered.acquire(opening()).result().verdict is Verdict.ACQUIRED


async def test_many_runs_are_appended_to_at_once(clustered: Store) -> None:
    opened = await asyncio.gather(
        *(clustered.acquire(opening(f"run{i}")).aresult() for i in range(20))
    )

    async def work(place: int) -> None:
        lease = opened[place].lease
        assert lease is not None
        for seq in range(2, 12):
            await clustered.append(lease, [ended()], seq=seq).aresult()

    await asyncio.gather(*map(work, range(20)))
    assert len(await clustered.headers().aresult()) == 20
    for place in range(20):
        assert len(await clustered.load(f"run{place}").aresult()) == 11


def test_a_node_that_comes_back_is_found_again(node: Server, clustered: Store) -> None:
    lease = leased(clustered)
    node.kill()
    ticket = clustered.append(lease, [ended()], seq=2)
    node.restart()
    ticket.result()
    assert len(clustered.load("r").result()) == 2


def test_a_server_without_cluster_is_unavailable(valkey: Server) -> None:
    store = open_store(valkey.url.replace("redis://", "redis+cluster://"), retry_for=0.1)
    with pytest.raises(JournalUnavailable):
        store.header("r").result()
    store.close()
