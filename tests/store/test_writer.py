"""The one writer: many callers share its round trips, and nobody blocks anybody's loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from langchain_durable.errors import JournalGap, JournalReadOnly, JournalUnavailable, RunFenced
from langchain_durable.events import RunStatus
from langchain_durable.journal import Close, Lease, Store, Verdict
from langchain_durable.store import open_store
from tests.fakes import no_threads
from tests.servers import Server
from tests.store.making import ended, leased, opening, started

EACH = 20


def reads(server: Server) -> int:
    """How often the server has read from its clients."""
    with server.client() as client:
        return int(client.info("stats")["total_reads_processed"])


def steps(store: Store, run_id: str) -> list[bytes]:
    return [record.step for record in store.load(run_id, after=1).result()]


def expected() -> list[bytes]:
    return [b"%d" % place for place in range(EACH)]


def test_threads_share_round_trips_and_keep_their_order(valkey: Server, on_valkey: Store) -> None:
    leases = [leased(on_valkey, f"run{i}") for i in range(64)]
    everybody = threading.Barrier(64)

    def work(lease: Lease) -> None:
        everybody.wait()
        for place in range(EACH):
            on_valkey.append(lease, [ended(b"%d" % place)], seq=2 + place).result()

    before = reads(valkey)
    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, leases))
    assert reads(valkey) - before < 64 * EACH / 2
    assert all(steps(on_valkey, lease.run_id) == expected() for lease in leases)


async def test_tasks_share_round_trips_and_keep_their_order(
    valkey: Server, on_valkey: Store
) -> None:
    leases = [leased(on_valkey, f"run{i}") for i in range(200)]

    async def work(lease: Lease) -> None:
        for place in range(EACH):
            await on_valkey.append(lease, [ended(b"%d" % place)], seq=2 + place).aresult()

    before = reads(valkey)
    await asyncio.gather(*map(work, leases))
    assert reads(valkey) - before < 200 * EACH / 10
    assert all(steps(on_valkey, lease.run_id) == expected() for lease in leases)


def test_threads_and_loops_share_a_store(on_valkey: Store) -> None:
    leases = [leased(on_valkey, f"run{i}") for i in range(16)]

    def sync(lease: Lease) -> None:
        for place in range(EACH):
            on_valkey.append(lease, [ended(b"%d" % place)], seq=2 + place).result()

    async def tasks(lease: Lease) -> None:
        for place in range(EACH):
            await on_valkey.append(lease, [ended(b"%d" % place)], seq=2 + place).aresult()

    def loop(lease: Lease) -> None:
        asyncio.run(tasks(lease))

    with ThreadPoolExecutor(16) as pool:
        done = [pool.submit((sync, loop)[i % 2], lease) for i, lease in enumerate(leases)]
        for future in done:
            future.result(timeout=60)
    assert all(steps(on_valkey, lease.run_id) == expected() for lease in leases)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline


def journal_length(server: Server, prefix: str) -> int:
    with server.client() as client:
        return int(client.xlen(f"{prefix}:{{r}}:journal"))


def test_an_append_that_nobody_waits_for_goes_out(
    valkey: Server, on_valkey: Store, prefix: str
) -> None:
    lease = leased(on_valkey)
    on_valkey.append(lease, [started()], seq=2)
    until(lambda: journal_length(valkey, prefix) == 2)


async def test_an_append_that_no_task_waits_for_goes_out(
    valkey: Server, on_valkey: Store, prefix: str
) -> None:
    lease = leased(on_valkey)
    for seq in range(2, 12):
        on_valkey.append(lease, [ended(payload=b"x" * 9000)], seq=seq)
    until(lambda: journal_length(valkey, prefix) == 11)


def test_thousands_of_appends_may_go_unawaited(on_valkey: Store) -> None:
    lease = leased(on_valkey)
    for seq in range(2, 3002):
        on_valkey.append(lease, [started()], seq=seq)
    on_valkey.append(lease, [started()], seq=3002).result()
    gc.collect()
    assert len(on_valkey.load("r", limit=5000).result()) == 3002


def test_an_error_that_nobody_saw_is_told_by_the_next_append(on_valkey: Store) -> None:
    old = leased(on_valkey)
    leased(on_valkey, owner="other", evict="me")
    on_valkey.append(old, [started()], seq=2)
    on_valkey.header("r").result()
    with pytest.raises(RunFenced):
        on_valkey.append(old, [started()], seq=3).result()


def test_an_error_that_nobody_saw_is_told_instead_of_what_came_of_it(
    own_valkey: Server, own_store: Store
) -> None:
    lease = leased(own_store)
    with own_valkey.client() as client:
        client.config_set("maxmemory", 1)
        own_store.append(lease, [started()], seq=2)
        with pytest.raises(JournalReadOnly):
            own_store.append(lease, [ended()], seq=3).result()


def test_an_error_that_was_seen_is_not_told_again(on_valkey: Store) -> None:
    lease = leased(on_valkey)
    with pytest.raises(JournalGap):
        on_valkey.append(lease, [started()], seq=7).result()
    on_valkey.append(lease, [started()], seq=2).result()


async def test_a_cancelled_task_does_not_take_its_append_along(on_valkey: Store) -> None:
    lease = leased(on_valkey)
    ticket = on_valkey.append(lease, [started()], seq=2)
    task = asyncio.create_task(ticket.aresult())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await ticket.aresult()
    assert len(await on_valkey.load("r").aresult()) == 2


async def test_a_stopped_server_does_not_stop_the_loop(
    own_valkey: Server, own_store: Store
) -> None:
    lease = leased(own_store)
    own_valkey.pause()
    try:
        started_at = time.monotonic()
        tickets = [
            own_store.append(lease, [ended(payload=b"x" * 50_000)], seq=seq)
            for seq in range(2, 200)
        ]
        waiting = asyncio.ensure_future(tickets[-1].aresult())
        for _ in range(20):
            await asyncio.sleep(0)
        assert time.monotonic() - started_at < 2
        assert not waiting.done()
    finally:
        own_valkey.resume()
    await waiting


async def test_a_call_for_which_there_is_no_thread_says_so(on_valkey: Store) -> None:
    with no_threads(), pytest.raises(JournalUnavailable, match="can't start new thread"):
        await on_valkey.headers().aresult()
    assert await asyncio.wait_for(on_valkey.headers().aresult(), 10) == []


async def test_what_was_posted_without_a_thread_goes_with_the_next(on_valkey: Store) -> None:
    with no_threads():
        opened = on_valkey.acquire(opening("r"))
    await asyncio.wait_for(on_valkey.headers().aresult(), 10)
    assert opened.done()
    assert opened.result().verdict is Verdict.NEW


async def test_a_server_that_is_lost_while_there_is_no_thread_is_said_so(
    own_valkey: Server, own_store: Store
) -> None:
    lease = await asyncio.to_thread(leased, own_store)  # which needs no thread of ours
    own_valkey.pause()
    with no_threads():
        waiting = asyncio.create_task(own_store.append(lease, [ended(b"0")], seq=2).aresult())
        await asyncio.sleep(0)  # it listens
        own_valkey.kill()
        with pytest.raises(JournalUnavailable, match="can't start new thread"):
            await asyncio.wait_for(waiting, 10)


async def test_a_loop_that_is_gone_does_not_disturb_others(on_valkey: Store) -> None:
    lease = leased(on_valkey)

    def abandoned() -> None:
        async def begin() -> None:
            task = asyncio.ensure_future(on_valkey.append(lease, [started()], seq=2).aresult())
            await asyncio.sleep(0)
            task.cancel()

        asyncio.run(begin())

    await asyncio.to_thread(abandoned)
    await on_valkey.append(lease, [started()], seq=3).aresult()


def test_close_sends_what_is_under_way(valkey: Server, prefix: str) -> None:
    store = open_store(valkey.url, prefix=prefix)
    lease = leased(store)
    for seq in range(2, 52):
        store.append(lease, [started()], seq=seq)
    store.append(lease, [], seq=52, close=Close(status=RunStatus.PAUSED))
    store.close()
    store.close()
    assert journal_length(valkey, prefix) == 51


def test_a_closed_store_says_so(valkey: Server, prefix: str) -> None:
    store = open_store(valkey.url, prefix=prefix)
    store.close()
    with pytest.raises(JournalUnavailable, match="was closed"):
        store.header("r").result()
