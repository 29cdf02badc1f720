"""Calls that end while their run is being taken: the next one does not wait for their lease."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langchain_durable import Durable, JournalUnavailable, RunBusy, RunNotFound, RunStatus
from langchain_durable.errors import JournalError
from tests.fakes import Model, no_threads
from tests.servers import start_valkey

LEASE = 30.0
"""Longer than a test may wait."""


@pytest.fixture
def durable(make_durable: Any) -> Durable:
    handle: Durable = make_durable(lease=LEASE)
    handle.runs()  # connected
    return handle


async def cancelled_after(turns: int, call: Any) -> None:
    """Begin a call and cancel it when the event loop has turned so often."""
    task = asyncio.create_task(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def ended(durable: Durable, run_id: str) -> RunStatus | None:
    """How a run is once nobody runs it; None if there is none."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            status = (await durable.aget(run_id)).status
        except RunNotFound:
            status = None
        if status is not RunStatus.RUNNING:
            return status
        await asyncio.sleep(0.01)
    raise AssertionError("the lease was not given back")


async def test_a_cancelled_call_leaves_its_run_to_the_next(durable: Durable) -> None:
    wrapped, config = durable.wrap(Model()), durable.config("run")
    begun = time.monotonic()
    for turns in range(2, 8):  # more often than a run that gets nowhere is tried
        await cancelled_after(turns, wrapped.ainvoke("a", config))
    assert (await wrapped.ainvoke("a", config)).content == "<a>"
    assert time.monotonic() - begun < LEASE / 2


async def test_a_cancelled_call_leaves_its_run_to_other_processes(
    durable: Durable, make_durable: Any
) -> None:
    for turns in range(2, 8):
        await cancelled_after(turns, durable.wrap(Model()).ainvoke("a", durable.config("run")))
    assert await ended(durable, "run") in (RunStatus.PAUSED, None)

    other = make_durable(lease=LEASE)
    assert (await other.wrap(Model()).ainvoke("a", other.config("run"))).content == "<a>"


@pytest.mark.parametrize("method", ["acancel", "adelete"])
async def test_a_run_that_this_handle_lost_sight_of_is_nobodys(
    durable: Durable, method: str
) -> None:
    lose(durable)
    await getattr(durable, method)("run")
    if method == "acancel":
        assert (await durable.aget("run")).status is RunStatus.CANCELLED
    else:
        with pytest.raises(RunNotFound):
            await durable.aget("run")


def lose(durable: Durable) -> None:
    """Hold a run's lease, and not know of it."""
    run = durable.run("run")
    run.__enter__()
    run._deactivate()
    durable.connector.connect().free(run._opened())


def test_a_run_that_this_handle_lost_sight_of_can_be_called(durable: Durable) -> None:
    lose(durable)
    begun = time.monotonic()
    with durable.run("run") as run:
        assert run.attempt == 2
    assert time.monotonic() - begun < LEASE / 2


def test_a_run_that_another_handle_has_is_not_taken_from_it(
    durable: Durable, make_durable: Any
) -> None:
    run = make_durable(lease=0.5).run("run")
    run.__enter__()
    run._deactivate()  # so that the other handle's is not joined to it
    with pytest.raises(RunBusy, match="renews its lease"), durable.run("run"):
        pass
    run.__exit__(None, None, None)


def test_a_holder_that_was_not_seen_to_renew_is_not_called_alive(
    durable: Durable, make_durable: Any
) -> None:
    lose(durable)
    impatient = make_durable(lease=0.5)
    with pytest.raises(RunBusy, match=r"ends in 2\d\.\d s") as caught, impatient.run("run"):
        pass
    assert "renews" not in str(caught.value)


def test_a_run_that_is_active_here_is_not_deleted(durable: Durable) -> None:
    with durable.run("run"):
        with pytest.raises(RunBusy):
            durable.delete("run")
        assert durable.cancel("run").status is RunStatus.RUNNING


def test_a_journal_without_room_is_gone_on_with_as_soon_as_there_is(tmp_path: Path) -> None:
    with start_valkey(tmp_path / "own") as server, Durable(server.url, lease=LEASE) as durable:
        model, full = Model(), [True]

        def program(text: str) -> Any:
            if full:
                server.client().config_set("maxmemory", 1)
                full.clear()
            return model.invoke(text).content

        wrapped = durable.wrap(RunnableLambda(program))
        with pytest.raises(JournalError):
            wrapped.invoke("a", durable.config("run"))
        server.client().config_set("maxmemory", 0)

        begun = time.monotonic()
        assert wrapped.invoke("a", durable.config("run")) == "<a>"
        assert time.monotonic() - begun < LEASE / 2


@pytest.mark.parametrize("method", ["invoke", "ainvoke"])
def test_a_call_for_which_there_is_no_thread_gives_its_run_back(
    durable: Durable, make_durable: Any, method: str
) -> None:
    with no_threads(), pytest.raises(JournalUnavailable, match="can't start new thread"):
        called(durable, method)

    begun = time.monotonic()
    assert called(make_durable(lease=LEASE), method).content == "<a>"
    assert called(durable, method).content == "<a>"
    assert time.monotonic() - begun < LEASE / 2


def called(durable: Durable, method: str) -> Any:
    answer = getattr(durable.wrap(Model()), method)("a", durable.config("run"))
    return asyncio.run(answer) if method == "ainvoke" else answer


def test_leases_are_renewed_once_there_is_a_thread(make_durable: Any) -> None:
    durable = make_durable(lease=0.9)
    with no_threads(), pytest.raises(JournalUnavailable), durable.run("first"):
        pass
    with durable.run("second"):
        granted = durable.header("second").updated
        deadline = time.monotonic() + 10
        while durable.header("second").updated == granted:
            assert time.monotonic() < deadline, "the lease was not renewed"
