"""Writes come back in the order in which LangGraph applies them; delta channels depend on it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.serde.types import ERROR, INTERRUPT, RESUME, SCHEDULED
from langgraph.graph import START, StateGraph

from langchain_durable.saver import RedisSaver
from tests.saver.checkpoints import checkpoint, put, thread


def pending(saver: RedisSaver) -> list[tuple[str, str, Any]]:
    found = saver.get_tuple(thread())
    assert found is not None
    return found.pending_writes or []


def test_writes_are_ordered_by_path_then_task_then_position(saver: RedisSaver) -> None:
    config = put(saver, thread())
    tasks = [(f"~{path}", f"task{at}-{path}") for path in range(4) for at in range(8)]
    shuffled = random.Random(7).sample(tasks, len(tasks))

    for path, task in shuffled:
        saver.put_writes(config, [("c", f"{path} {task} {at:02}") for at in range(12)], task, path)

    found = [value for _, _, value in pending(saver)]
    assert found == sorted(found)
    assert len(found) == 4 * 8 * 12


def test_the_path_outweighs_the_task(saver: RedisSaver) -> None:
    config = put(saver, thread())
    saver.put_writes(config, [("c", 2)], "a-task", "~2")
    saver.put_writes(config, [("c", 1)], "z-task", "~1")
    saver.put_writes(config, [("c", 0)], "y-task")

    assert [value for _, _, value in pending(saver)] == [0, 1, 2]


def test_a_write_that_is_there_stays(saver: RedisSaver) -> None:
    config = put(saver, thread())
    saver.put_writes(config, [("c", "first")], "task")
    saver.put_writes(config, [("c", "second"), ("d", "new")], "task")

    assert pending(saver) == [("task", "c", "first"), ("task", "d", "new")]


@pytest.mark.parametrize("channel", [ERROR, SCHEDULED, INTERRUPT, RESUME])
def test_a_special_write_replaces_the_one_before(saver: RedisSaver, channel: str) -> None:
    config = put(saver, thread())
    saver.put_writes(config, [(channel, "first")], "task")
    saver.put_writes(config, [(channel, "second")], "task")

    assert pending(saver) == [("task", channel, "second")]


def test_no_write_is_lost_when_tasks_write_at_once(saver: RedisSaver) -> None:
    config = put(saver, thread())

    def write(task: int) -> None:
        saver.put_writes(config, [("c", task), ("d", -task)], f"task{task:03}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(100)))

    assert [value for _, _, value in pending(saver)] == [
        value for task in range(100) for value in (task, -task)
    ]


def test_writes_may_come_before_their_checkpoint(saver: RedisSaver) -> None:
    first = put(saver, thread())
    early = thread(checkpoint="ffffffff-0000-6000-8000-000000000000")
    saver.put_writes(early, [("c", 1)], "task")
    assert pending(saver) == []

    saver.put(first, {**checkpoint(), "id": early["configurable"]["checkpoint_id"]}, {}, {})

    assert pending(saver) == [("task", "c", 1)]


def _append(state: list[str], writes: Sequence[list[str]]) -> list[str]:
    return [*state, *(item for write in writes for item in write)]


def delta_graph(saver: RedisSaver, *, every: int, width: int = 7, steps: int = 12) -> Any:
    """Each superstep, ``width`` nodes write to one delta channel; the order shows."""
    log: Any = Annotated[list[str], DeltaChannel(_append, snapshot_frequency=every)]
    state: Any = TypedDict("state", {"log": log})  # a class body cannot say it
    graph = StateGraph(state)
    graph.add_node("0", lambda _: {"log": ["0"]})
    graph.add_edge(START, "0")
    for step in range(1, steps):
        names = [f"{step}-{at}" for at in range(width)] if step % 2 else [str(step)]
        before = [str(step - 1)] if step % 2 else [f"{step - 1}-{at}" for at in range(width)]
        for name in names:
            graph.add_node(name, lambda _, name=name: {"log": [name]})
            graph.add_edge(before, name)
    return graph.compile(checkpointer=saver)


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
@pytest.mark.parametrize("every", [1, 3, 100])
def test_a_delta_channel_is_rebuilt_as_it_was(
    saver: RedisSaver, every: int, durability: Any
) -> None:
    graph = delta_graph(saver, every=every)

    result = graph.invoke({"log": ["in"]}, thread(), durability=durability)

    assert len(result["log"]) == 1 + 6 * 7 + 6
    assert graph.get_state(thread()).values == result


async def test_a_delta_channel_is_rebuilt_for_async_callers(saver: RedisSaver) -> None:
    graph = delta_graph(saver, every=4)

    result = await graph.ainvoke({"log": ["in"]}, thread())

    assert (await graph.aget_state(thread())).values == result


def test_more_ancestors_than_one_round_trip_reads(saver: RedisSaver) -> None:
    graph = delta_graph(saver, every=1000, width=2, steps=150)

    result = graph.invoke({"log": ["in"]}, {**thread(), "recursion_limit": 200})

    assert graph.get_state(thread()).values == result


@pytest.mark.parametrize("every", [1, 5, 100])
def test_pruning_keeps_what_a_delta_channel_is_rebuilt_from(saver: RedisSaver, every: int) -> None:
    graph = delta_graph(saver, every=every)
    result = graph.invoke({"log": ["in"]}, thread())

    saver.prune(["t"])

    assert graph.get_state(thread()).values == result
    assert graph.invoke({"log": ["more"]}, thread())["log"][: len(result["log"])] == result["log"]


def test_pruning_removes_what_no_delta_channel_needs(saver: RedisSaver) -> None:
    graph = delta_graph(saver, every=2)
    graph.invoke({"log": ["in"]}, thread())

    saver.prune(["t"])

    assert 1 <= len(list(saver.list(thread()))) <= 3


def test_a_copied_thread_has_the_state_of_its_delta_channels(saver: RedisSaver) -> None:
    graph = delta_graph(saver, every=5)
    result = graph.invoke({"log": ["in"]}, thread())

    saver.copy_thread("t", "copy")
    saver.delete_thread("t")

    assert graph.get_state(thread("copy")).values == result
