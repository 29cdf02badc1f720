"""A saver on whatever client a program has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from langchain_durable import Durable
from langchain_durable.saver import RedisSaver
from tests.saver.checkpoints import messages, put, thread, values


@pytest.fixture(params=[2, 3], ids="protocol {}".format)
def decoding(request: pytest.FixtureRequest, server: str) -> Iterator[redis.Redis]:
    """A client that makes text of what it reads, for its own program."""
    with redis.Redis.from_url(server, decode_responses=True, protocol=request.param) as client:
        client.flushall()
        yield client


def test_a_client_that_decodes_is_no_hindrance(decoding: redis.Redis) -> None:
    saver = RedisSaver(decoding)
    given = {"m": messages(40), "b": b"\xff"}
    config = put(saver, thread("naïve"), given, run_id="r")
    saver.put_writes(config, [("b", b"\xfe")], "task")
    saver.copy_thread("naïve", "copy")

    assert values(saver, thread("copy")) == given
    [read] = saver.list(thread("naïve"))
    assert read.pending_writes == [("task", "b", b"\xfe")]
    assert {item.config["configurable"]["thread_id"] for item in saver.list(None)} == {
        "naïve",
        "copy",
    }
    saver.delete_for_runs(["r"])
    assert list(saver.list(None)) == []
    assert decoding.get("none") is None


def ask(state: MessagesState) -> MessagesState:
    return {"messages": [interrupt("well?")]}


def check_pause(durable: Durable) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    with durable:
        graph = durable.wrap(builder.compile())
        config = durable.config("run")
        graph.invoke({"messages": []}, config)
        assert graph.get_state(config).next == ("ask",)
        assert graph.invoke(Command(resume="yes"), config)["messages"][-1].text == "yes"
        durable.delete("run")


def test_a_graph_pauses_on_a_client_that_decodes(decoding: redis.Redis) -> None:
    check_pause(Durable(decoding))


def test_a_graph_pauses_on_a_url_that_decodes(server: str, client: redis.Redis) -> None:
    check_pause(Durable(f"{server}?decode_responses=true"))
