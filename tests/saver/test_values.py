"""What is put comes back equal, and every message is stored once."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.types import Send

from langchain_durable.saver import RedisSaver
from tests.saver.checkpoints import found_keys, messages, put, thread, values

SHAPES = {
    "one message": AIMessage("a", id="1", tool_calls=[{"name": "t", "args": {"n": 1}, "id": "c"}]),
    "no messages": [],
    "two messages": messages(2),
    "a full chunk": messages(32),
    "more than a chunk": messages(33),
    "many chunks": messages(100),
    "the same message twice": [*messages(1), *messages(1)],
    "messages in a dict": {"messages": messages(40), "n": 1, "more": messages(1)},
    "messages deep inside": {"a": {"b": [messages(2), {"c": messages(1)[0]}]}},
    "what a task is sent": [Send("tools", {"state": {"messages": messages(3)}, "call": 1})],
    "a snapshot of a list": _DeltaSnapshot(messages(40)),
    "a snapshot of a message": _DeltaSnapshot(messages(1)[0]),
    "a snapshot of a dict": _DeltaSnapshot({"files": {"a": 1}, "messages": messages(2)}),
    "a snapshot of strings": _DeltaSnapshot(["a", "b"]),
    "messages among others": [1, messages(1)[0], None, "x"],
    "a dict with numbers for keys": {1: messages(1), 2: "b"},
    "nothing": None,
    "bytes": b"\x00\xff",
    "a tuple": (1, ("a", 2)),
    "text with NUL": "a\0b",
}


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES.keys())
def test_a_value_comes_back_equal(saver: RedisSaver, value: Any) -> None:
    put(saver, thread(), {"channel": value})

    found = values(saver, thread())["channel"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES.keys())
def test_a_write_comes_back_equal(saver: RedisSaver, value: Any) -> None:
    config = put(saver, thread())
    saver.put_writes(config, [("channel", value)], "task")

    found = saver.get_tuple(config)

    assert found is not None
    assert found.pending_writes == [("task", "channel", value)]


def test_putting_does_not_change_what_was_put(saver: RedisSaver) -> None:
    value = {"inner": {"messages": messages(2)}, "sends": [Send("n", {"m": messages(1)})]}

    put(saver, thread(), {"channel": value})

    assert value == {"inner": {"messages": messages(2)}, "sends": [Send("n", {"m": messages(1)})]}


def test_a_message_is_stored_once_however_often_it_is_put(
    client: redis.Redis, saver: RedisSaver
) -> None:
    marked = HumanMessage("find me " * 10, id="1")
    config = put(saver, thread(), {"messages": [marked], "input": {"messages": [marked]}})
    saver.put_writes(config, [("messages", [marked]), ("other", marked)], "task")
    put(saver, config, {"messages": [marked, *messages(2)]}, {"messages": 2})

    assert _stored(client, b"find me find me") == 1


def test_another_saver_stores_no_message_again(
    server: str, client: redis.Redis, saver: RedisSaver
) -> None:
    put(saver, thread(), {"messages": messages(40)})

    with RedisSaver(server) as other:
        known = values(other, thread())["messages"]
        client.config_resetstat()
        put(other, thread(), {"messages": [*known, *messages(1)]}, {"messages": 2})

    received = client.info("stats")["total_net_input_bytes"]
    assert received < 15_000  # the scripts' text included; the messages are 40 times 300 bytes


def test_a_message_changed_in_place_is_stored_as_it_is_now(saver: RedisSaver) -> None:
    kept = messages(2)
    put(saver, thread(), {"messages": kept})
    kept[0].additional_kwargs["seen"] = {"deep": [1]}
    put(saver, thread(), {"messages": kept}, {"messages": 2})

    kept[0].additional_kwargs["seen"]["deep"].append(2)
    put(saver, thread(), {"messages": kept}, {"messages": 3})

    assert values(saver, thread())["messages"][0].additional_kwargs == {"seen": {"deep": [1, 2]}}


def test_what_was_removed_behind_the_savers_back_is_sent_again(
    client: redis.Redis, saver: RedisSaver
) -> None:
    put(saver, thread(), {"messages": messages(70)})
    client.flushall()

    config = put(saver, thread(), {"messages": messages(70)})
    client.flushall()
    saver.put_writes(config, [("messages", messages(70))], "task")
    put(saver, thread(), {"messages": messages(70)})

    assert values(saver, thread())["messages"] == messages(70)


def test_bytes_grow_with_the_thread_and_not_with_its_square(
    client: redis.Redis, saver: RedisSaver
) -> None:
    sizes = {}
    config = thread()
    for step in range(1, 201):
        said = messages(2 * step)
        saver.put_writes(config, [("messages", said[-2:])], "task") if step > 1 else None
        config = put(saver, config, {"messages": said}, {"messages": step}, step=step)
        if step in (20, 200):
            (data,) = found_keys(client, "*:data")
            sizes[step] = client.memory_usage(data, samples=0) or 0

    assert 0 < sizes[200] < 12 * sizes[20]


def test_the_values_of_unchanged_channels_are_not_sent_again(saver: RedisSaver) -> None:
    first = put(saver, thread(), {"a": 1, "b": 2})

    put(saver, first, {"b": 3}, {"a": 1, "b": 2})

    assert values(saver, thread()) == {"a": 1, "b": 3}


def _stored(client: redis.Redis, needle: bytes) -> int:
    (data,) = found_keys(client, "*:data")
    return sum(needle in body for body in client.hvals(data) if isinstance(body, bytes))
