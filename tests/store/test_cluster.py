"""A Redis Cluster: real nodes, mostly one that owns all slots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langchain_durable import Durable, RunStatus
from langchain_durable.doctor import examine
from langchain_durable.errors import ConfigurationError, JournalError, JournalUnavailable
from langchain_durable.journal import Close, Store, Verdict
from langchain_durable.store import open_store
from tests.servers import LOSES_NOTHING, Server, free_port, start_valkey
from tests.store.conftest import check_keys
from tests.store.making import ended, leased, opening, started


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Server]:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with start_valkey(tmp_path, *options, *LOSES_NOTHING, tcp=True) as server:
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        wait_for_cluster(server)
        yield server


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two nodes; the first has the lower half of the slots."""
    ports = free_port(), free_port()
    directory = tmp_path_factory.mktemp("halves")
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                start_valkey(
                    directory / str(port),
                    *("--cluster-enabled", "yes", "--cluster-port", str(port)),
                    *("--cluster-node-timeout", "500"),
                    tcp=True,
                )
            )
            for port in ports
        )
        with first.client() as one, second.client() as other:
            one.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
            other.execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
            one.execute_command("CLUSTER", "SET-CONFIG-EPOCH", 1)
            other.execute_command("CLUSTER", "SET-CONFIG-EPOCH", 2)
            one.execute_command("CLUSTER", "MEET", "127.0.0.1", second.port, ports[1])
        wait_for_cluster(first)
        wait_for_cluster(second)
        yield first, second


def wait_for_cluster(server: Server) -> None:
    deadline = time.monotonic() + 20
    with server.client() as client:
        while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < deadline


def url_of(node: Server, database: int = 0) -> str:
    return f"redis+cluster://127.0.0.1:{node.port}/{database}"


@pytest.fixture
def clustered(node: Server) -> Iterator[Store]:
    store = open_store(url_of(node))
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


def asking() -> Any:
    """A graph that asks a person."""

    def ask(state: MessagesState) -> MessagesState:
        return {"messages": [("ai", f"told {interrupt('well?')}")]}  # type: ignore[list-item]  # LangGraph makes a message of it

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    return graph.compile()


def keys(prefix: str, *nodes: Server) -> list[bytes]:
    """What is stored for runs; the index of runs is a hint."""
    found: list[bytes] = []
    for node in nodes:
        with node.client() as client:
            found += client.scan_iter(f"{prefix}:*{{*")
    return found


def test_a_graph_pauses_goes_on_and_is_deleted(halves: tuple[Server, Server], prefix: str) -> None:
    runs = "abcd"
    with Durable(url_of(halves[0]), prefix=prefix) as durable:
        graph = durable.wrap(asking())
        for config in map(durable.config, runs):
            graph.invoke({"messages": [("user", "hi")]}, config)
            assert graph.get_state(config).next == ("ask",)
            done = graph.invoke(Command(resume="yes"), config)
            assert done["messages"][-1].text == "told yes"
        assert all(keys(prefix, node) for node in halves)

        for run_id in runs:
            assert durable.get(run_id).status is RunStatus.COMPLETED
            durable.delete(run_id)
        assert keys(prefix, *halves) == []


async def test_a_graph_does_so_on_a_loop(halves: tuple[Server, Server], prefix: str) -> None:
    with Durable(url_of(halves[0]), prefix=prefix) as durable:
        graph = durable.wrap(asking())
        config = durable.config("r")
        await graph.ainvoke({"messages": [("user", "hi")]}, config)
        assert (await graph.aget_state(config)).next == ("ask",)
        done = await graph.ainvoke(Command(resume="yes"), config)
        assert done["messages"][-1].text == "told yes"
        await durable.adelete("r")
        assert keys(prefix, *halves) == []


def test_a_url_of_one_server_is_told_to_be_one_of_a_cluster(halves: tuple[Server, Server]) -> None:
    store = open_store(halves[0].url)
    with pytest.raises(JournalError, match=r"Do: .*redis\+cluster://"):
        for run_id in "abcd":
            store.header(run_id).result()
    assert "redis+cluster://" in {f.name: f for f in examine(store)}["connection"].found
    store.close()


def test_a_cluster_has_no_second_database(halves: tuple[Server, Server]) -> None:
    with pytest.raises(ConfigurationError, match="one database"):
        open_store(url_of(halves[0], 1))


def test_a_wrong_password_is_told_at_once(halves: tuple[Server, Server]) -> None:
    store = open_store(url_of(halves[0]).replace("//", "//me:wrong@"))
    with pytest.raises(JournalUnavailable, match="refused our credentials") as caught:
        store.header("r").result()
    assert "wrong@" not in str(caught.value)
    store.close()


def test_a_client_of_a_cluster_is_no_url(halves: tuple[Server, Server]) -> None:
    with (
        redis.RedisCluster.from_url(halves[0].url) as client,
        pytest.raises(ConfigurationError, match=r"Do: .*redis\+cluster://"),
    ):
        open_store(client)
