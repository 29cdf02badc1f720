"""How long what is kept of a run lives: its journal, and the state of its graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from langchain_durable import Durable, RunStatus
from langchain_durable.journal import Retention
from tests.conftest import MakeDurable
from tests.fakes import Failing
from tests.servers import Server

JOURNAL, HEADER = 1000, 2000


class State(TypedDict):
    answer: str


@pytest.fixture
def durable(make_durable: MakeDurable) -> Durable:
    return make_durable(retention=Retention(events=10, journal=JOURNAL, header=HEADER))


def paused(durable: Durable) -> Any:
    """A graph that asks until it is told enough, and fails where it is told so."""

    def ask(state: State) -> State:
        said = interrupt("?")
        if said == "fail":
            raise Failing("as told")
        return {"answer": said if said == "enough" else interrupt("and?")}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    wrapped = durable.wrap(graph.compile())
    wrapped.invoke({"answer": ""}, durable.config("run"))
    return wrapped


def answer(graph: Any, durable: Durable, said: str) -> None:
    with suppress(Failing):
        graph.invoke(Command(resume=said), durable.config("run"))


def lives(durable: Durable, server: Server) -> dict[str, int]:
    """The seconds that each of a run's keys will live, by its last word; -1: for good."""
    durable.header("run")  # what was sent before has been done
    found = {}
    with server.client() as client:
        for key in client.scan_iter(f"{durable.connector.prefix}:*{{*run}}:*"):
            found[key.decode().rpartition(":")[2]] = int(client.ttl(key))
    return found


def test_a_paused_run_is_kept_for_good(durable: Durable, journal_server: Server) -> None:
    paused(durable)

    found = lives(durable, journal_server)

    assert found == dict.fromkeys(("meta", "journal", "data", "index"), -1)


ENDS: dict[RunStatus, Callable[[Any, Durable], object]] = {
    RunStatus.COMPLETED: lambda graph, durable: answer(graph, durable, "enough"),
    RunStatus.FAILED: lambda graph, durable: answer(graph, durable, "fail"),
    RunStatus.CANCELLED: lambda graph, durable: durable.cancel("run"),
}


@pytest.mark.parametrize("status", ENDS)
def test_the_state_of_a_graph_lives_as_long_as_its_journal(
    durable: Durable, journal_server: Server, status: RunStatus
) -> None:
    graph = paused(durable)

    ENDS[status](graph, durable)

    assert durable.header("run").status is status
    found = lives(durable, journal_server)
    assert HEADER - 30 < found.pop("meta") <= HEADER
    assert set(found) == {"journal", "data", "index"}
    assert all(JOURNAL - 30 < seconds <= JOURNAL for seconds in found.values())


@pytest.mark.parametrize("asks", [True, False])
def test_a_state_that_is_changed_after_the_end_lives_as_long_as_the_journal(
    durable: Durable, journal_server: Server, asks: bool
) -> None:
    graph = StateGraph(State)
    graph.add_node("ask", lambda _: {"answer": interrupt("?") if asks else "enough"})
    graph.add_edge(START, "ask")
    wrapped: Any = durable.wrap(graph.compile())
    wrapped.invoke({"answer": ""}, durable.config("run"))
    if asks:
        answer(wrapped, durable, "enough")

    wrapped.update_state(durable.config("run"), {"answer": "changed"})

    found = lives(durable, journal_server)
    assert found.keys() == {"meta", "journal", "data", "index"}
    assert all(JOURNAL - 30 < found[key] <= JOURNAL for key in ("journal", "data", "index"))


async def test_a_state_that_is_changed_in_a_pause_is_kept_for_good(
    durable: Durable, journal_server: Server
) -> None:
    await paused(durable).aupdate_state(durable.config("run"), {"answer": "changed"}, as_node="ask")

    assert set(lives(durable, journal_server).values()) == {-1}


def test_a_run_that_is_opened_again_is_kept_for_good_again(
    durable: Durable, journal_server: Server
) -> None:
    graph = paused(durable)
    answer(graph, durable, "fail")

    answer(graph, durable, "more?")

    assert durable.header("run").status is RunStatus.PAUSED
    assert set(lives(durable, journal_server).values()) == {-1}
