"""Event loops and threads that use one writer at once: every record is answered for."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from langchain_durable.journal import Store
from langchain_durable.store import open_store
from tests.servers import Server
from tests.store.making import ended, leased, started

STEPS = 200


def by_thread(store: Store, run_id: str) -> None:
    lease = leased(store, run_id)
    for seq in range(2, 2 + 2 * STEPS, 2):
        store.append(lease, [started(b"%d" % seq)], seq=seq)
        store.append(lease, [ended(b"%d" % seq)], seq=seq + 1).result()


async def _by_task(store: Store, run_id: str) -> None:
    lease = await asyncio.to_thread(leased, store, run_id)
    for seq in range(2, 2 + 2 * STEPS, 2):
        store.append(lease, [started(b"%d" % seq)], seq=seq)
        await store.append(lease, [ended(b"%d" % seq)], seq=seq + 1).aresult()


async def _by_tasks(store: Store, *run_ids: str) -> None:
    await asyncio.gather(*(_by_task(store, run_id) for run_id in run_ids))


def by_loop(store: Store, run_id: str) -> None:
    asyncio.run(_by_tasks(store, run_id, f"{run_id}-too"))


def by_loop_after_loop(store: Store, run_id: str) -> None:
    """A new event loop for every step, as ``asyncio.run`` in a web handler makes them."""
    lease = leased(store, run_id)

    async def step(seq: int) -> None:
        store.append(lease, [started(b"%d" % seq)], seq=seq)
        await store.append(lease, [ended(b"%d" % seq)], seq=seq + 1).aresult()

    for seq in range(2, 2 + 2 * STEPS, 2):
        asyncio.run(step(seq))


def at_once(store: Store, *callers: Callable[[Store, str], None]) -> None:
    threads = [
        threading.Thread(target=caller, args=(store, f"run-{number}"), daemon=True)
        for number, caller in enumerate(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a reply that came was never read"


def test_threads_and_loops_get_each_other_s_replies_read(journal_server: Server) -> None:
    store = open_store(journal_server.url, prefix="listening")
    at_once(store, by_thread, by_loop, by_thread, by_loop_after_loop)
    for run_id in ("run-0", "run-1", "run-1-too", "run-2", "run-3"):
        records = store.load(run_id, limit=2 * STEPS + 1).result()
        assert [record.seq for record in records] == list(range(1, 2 * STEPS + 2))
    store.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_loops_that_have_ended_leave_no_descriptor_open(journal_server: Server) -> None:
    store = open_store(journal_server.url, prefix="descriptors")
    before = len(os.listdir("/proc/self/fd"))
    by_loop_after_loop(store, "run")
    store.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.skipif(sys.platform == "win32", reason="loops of Windows do not listen")
def test_a_connection_that_is_lost_under_a_listening_loop_is_made_again(
    journal_server: Server,
) -> None:
    store = open_store(journal_server.url, prefix="lost")

    async def main() -> None:
        lease = await asyncio.to_thread(leased, store, "run")
        for seq in range(2, 12):
            await store.append(lease, [started(b"%d" % seq)], seq=seq).aresult()
            if seq % 3 == 0:
                with journal_server.client() as client:
                    client.client_kill_filter(_type="normal", skipme=True)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert len(store.load("run").result()) == 11
    store.close()
