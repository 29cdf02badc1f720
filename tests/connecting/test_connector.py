"""What a handle holds of its server, and lets go when it is closed."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path
from typing import TypedDict

import pytest
import redis
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from langchain_durable import Durable
from langchain_durable.embedded import EmbeddedServer, locks
from tests.servers import Server


class State(TypedDict):
    answer: str


def pause(durable: Durable) -> None:
    """A run that waits for a person: its state is kept, beside its journal."""

    def ask(state: State) -> State:
        return {"answer": interrupt("?")}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    durable.wrap(graph.compile()).invoke({"answer": ""}, durable.config("run"))


@pytest.fixture
def embedded(tmp_path: Path) -> EmbeddedServer:
    return EmbeddedServer(tmp_path / "home")


def test_the_embedded_server_ends_with_its_last_handle_after_a_pause(
    embedded: EmbeddedServer,
) -> None:
    with Durable(f"embedded://{embedded.directory}") as durable:
        pause(durable)

    ended = locks.wait_for(embedded.directory / "server.lock", 10)
    assert ended is not None, "the server still runs"
    ended.close()


def test_a_closed_handle_has_no_connection(journal_server: Server) -> None:
    with redis.Redis.from_url(journal_server.url) as client:
        before = len(client.client_list())
        durable = Durable(journal_server.url, prefix="closing")
        pause(durable)
        durable.close()
        deadline = time.monotonic() + 10
        while len(client.client_list()) > before:
            assert time.monotonic() < deadline, client.client_list()


def test_a_closed_handle_is_not_kept_until_exit(embedded: EmbeddedServer) -> None:
    durable = Durable(f"embedded://{embedded.directory}")
    durable.runs()
    kept = weakref.ref(durable.connector)
    durable.close()
    del durable
    gc.collect()
    assert kept() is None


def test_a_closed_handle_can_be_asked_for_a_state_again(durable: Durable) -> None:
    pause(durable)
    durable.close()
    pause(durable)  # gives what it asks once more
    assert durable.get("run").interrupts
