"""A run's view, injected into graphs that were compiled without a checkpointer."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import redis
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from langchain_durable.errors import ConfigurationError, InvalidRunId
from langchain_durable.saver import RedisSaver, for_run
from tests.saver.programs import asking, injected, nested

IN_ANOTHER_PROCESS = """
import sys
from langchain_durable.saver import RedisSaver, for_run
from tests.saver.programs import asking, injected

with RedisSaver(sys.argv[1]) as saver:
    view = for_run(saver, "order-42", fresh=True)
    result = asking().invoke({"log": ["in"]}, injected(view))
    assert result["__interrupt__"][0].value == "well?"
    view.flush()
"""


def test_a_second_process_answers_the_interrupt_of_the_first(
    server: str, saver: RedisSaver
) -> None:
    subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS, server], check=True, timeout=60)

    view = for_run(saver, "order-42")
    result = asking().invoke(Command(resume="yes"), injected(view))

    assert result["log"] == ["in", "a", "answer yes", "b"]


def test_a_fresh_run_that_completes_sends_the_server_nothing(
    client: redis.Redis, saver: RedisSaver
) -> None:
    client.config_resetstat()
    view = for_run(saver, "r", fresh=True)

    asking().invoke({"log": []}, injected(view))

    assert "cmdstat_evalsha" not in client.info("commandstats")
    assert client.dbsize() == 0

    view.flush()
    assert client.dbsize() > 0


async def test_async_callers_are_served_the_same(saver: RedisSaver) -> None:
    graph = asking()
    view = for_run(saver, "r", fresh=True)
    await graph.ainvoke({"log": ["in"]}, injected(view))
    await view.aflush()

    second = for_run(saver, "r")
    result = await graph.ainvoke(Command(resume="yes"), injected(second))

    assert result["log"] == ["in", "a", "answer yes", "b"]


@pytest.mark.parametrize("mode", ["values", "updates", "debug", "checkpoints"])
def test_streams_pause_and_go_on(saver: RedisSaver, mode: Any) -> None:
    graph = asking()
    view = for_run(saver, "r", fresh=True)
    list(graph.stream({"log": ["in"]}, injected(view, thread_id="t"), stream_mode=mode))
    view.flush()

    second = injected(for_run(saver, "r"), thread_id="t")
    list(graph.stream(Command(resume="yes"), second, stream_mode=mode))

    assert graph.get_state(second).values["log"] == ["in", "a", "answer yes", "b"]


async def test_async_streams_pause_and_go_on(saver: RedisSaver) -> None:
    graph = asking()
    view = for_run(saver, "r", fresh=True)
    chunks = [chunk async for chunk in graph.astream({"log": ["in"]}, injected(view))]
    await view.aflush()

    second = injected(for_run(saver, "r"))
    chunks += [chunk async for chunk in graph.astream(Command(resume="yes"), second)]

    assert [next(iter(chunk)) for chunk in chunks] == ["a", "__interrupt__", "ask", "b"]


def test_an_interrupt_in_a_subgraph_is_answered(saver: RedisSaver) -> None:
    graph = nested()
    view = for_run(saver, "r", fresh=True)
    graph.invoke({"log": ["in"]}, injected(view))
    view.flush()

    result = graph.invoke(Command(resume="yes"), injected(for_run(saver, "r")))

    assert result["log"][-2:] == ["answer yes", "b"]


@pytest.fixture
def paused(saver: RedisSaver) -> RunnableConfig:
    """The config of a paused run, as another process would have it."""
    view = for_run(saver, "r", fresh=True)
    asking().invoke({"log": ["in"]}, injected(view, thread_id="mine"))
    view.flush()
    return injected(for_run(saver, "r"), thread_id="mine")


def test_the_state_of_a_paused_run_can_be_read(paused: RunnableConfig) -> None:
    state = asking().get_state(paused)

    assert state.values == {"log": ["in", "a"]}
    assert state.next == ("ask",)
    assert [interrupt.value for interrupt in state.interrupts] == ["well?"]


def test_the_callers_thread_id_comes_back_unchanged(paused: RunnableConfig) -> None:
    assert asking().get_state(paused).config["configurable"]["thread_id"] == "mine"


def test_the_config_of_a_state_names_its_run_again(saver: RedisSaver) -> None:
    graph = asking()
    view = for_run(saver, "r", fresh=True)
    config = injected(view, thread_id="mine", durable_run_id="r")
    graph.invoke({"log": ["in"]}, config)

    assert graph.get_state(config).config["configurable"]["durable_run_id"] == "r"


@pytest.mark.parametrize("mode", ["values", "updates", "tasks", "messages", "custom"])
def test_no_thread_id_is_needed_to_run(saver: RedisSaver, mode: Any) -> None:
    graph = nested()

    list(graph.stream({"log": []}, injected(for_run(saver, "r", fresh=True)), stream_mode=mode))


def test_no_thread_id_is_invented(saver: RedisSaver) -> None:
    view = for_run(saver, "r")

    config = view.put({"configurable": {}}, _checkpoint("1"), {}, {})

    assert "thread_id" not in config["configurable"]


async def test_the_state_can_be_changed_before_the_answer(paused: RunnableConfig) -> None:
    graph = asking()
    await graph.aupdate_state(paused, {"log": ["edited"]}, as_node="a")

    result = await graph.ainvoke(Command(resume="yes"), paused)

    assert (await graph.aget_state(paused)).values == {"log": result["log"]}
    assert result["log"] == ["in", "a", "edited", "answer yes", "b"]


def test_the_history_of_a_run_can_be_read(paused: RunnableConfig) -> None:
    graph = asking()
    graph.invoke(Command(resume="yes"), paused)

    logs = [state.values["log"] for state in graph.get_state_history(paused)]

    assert logs == [["in", "a", "answer yes", "b"], ["in", "a"]]


def test_runs_do_not_see_each_other(saver: RedisSaver, paused: RunnableConfig) -> None:
    other = for_run(saver, "other")

    assert other.get_tuple(paused) is None
    assert list(other.list(None)) == []
    assert list(saver.list(None)) == []


def test_a_run_is_not_a_thread_of_the_same_name(saver: RedisSaver) -> None:
    thread: RunnableConfig = {"configurable": {"thread_id": "run:r"}}
    saver.put(thread, _checkpoint("1"), {}, {})

    assert for_run(saver, "r").get_tuple(thread) is None


def test_a_discarded_run_leaves_no_key(client: redis.Redis, saver: RedisSaver) -> None:
    view = for_run(saver, "r", fresh=True)
    asking().invoke({"log": []}, injected(view))
    view.flush()

    view.discard()

    assert client.dbsize() == 0


def test_a_copied_run_goes_on_by_itself(saver: RedisSaver, paused: RunnableConfig) -> None:
    graph = asking()
    for_run(saver, "r").copy_to("fork")

    forked = injected(for_run(saver, "fork"))

    assert graph.invoke(Command(resume="no"), forked)["log"][-2:] == ["answer no", "b"]
    assert graph.get_state(paused).next == ("ask",)


def test_writes_of_a_clone_with_an_allowlist_are_flushed_too(saver: RedisSaver) -> None:
    view = for_run(saver, "r", fresh=True)
    clone = view.with_allowlist([("tests.saver.programs", "State")])
    clone.put({"configurable": {}}, _checkpoint("1"), {}, {})

    view.flush()

    assert for_run(saver, "r").get_tuple({"configurable": {}}) is not None


def test_a_view_refuses_to_copy_threads(saver: RedisSaver) -> None:
    with pytest.raises(ConfigurationError, match="copy_to"):
        for_run(saver, "r").copy_thread("a", "b")


@pytest.mark.parametrize("run_id", ["", "a\0b", "\ud800", None])
def test_an_id_that_cannot_be_a_key_is_refused(saver: RedisSaver, run_id: Any) -> None:
    with pytest.raises(InvalidRunId):
        for_run(saver, run_id)


def _checkpoint(id_: str) -> Any:
    return {"v": 4, "id": id_, "ts": "", "channel_versions": {}, "versions_seen": {}}
