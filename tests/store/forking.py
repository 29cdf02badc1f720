"""A program that forks with appends under way. Arguments: URL of the server.

Prints one line for each thing it saw; the test compares them.
"""

from __future__ import annotations

import asyncio
import os
import sys

from langchain_durable.errors import JournalUnavailable
from langchain_durable.journal import Lease, Store
from langchain_durable.store import open_store
from tests.store.making import ended, leased, started


def main(url: str) -> None:
    store = open_store(url)
    lease = leased(store, "parent")
    asyncio.run(through_the_thread(store, lease))
    late = store.append(lease, [started()], seq=3)
    if (child := os.fork()) == 0:
        in_child(store, late)
        os._exit(0)
    os.waitpid(child, 0)
    late.result()
    store.append(lease, [ended()], seq=4).result()
    print("parent", [record.seq for record in store.load("parent").result()], flush=True)
    store.close()


async def through_the_thread(store: Store, lease: Lease) -> None:
    """So that the writer has a thread, which the child does not inherit."""
    await store.append(lease, [ended()], seq=2).aresult()


def in_child(store: Store, late: object) -> None:
    try:
        late.result()  # type: ignore[attr-defined]  # it is the ticket that main was given
    except JournalUnavailable as exc:
        print("child", exc.what, flush=True)
    lease = leased(store, "child")
    store.append(lease, [ended()], seq=2).result()
    asyncio.run(more(store, lease))
    store.close()


async def more(store: Store, lease: Lease) -> None:
    await store.append(lease, [ended()], seq=3).aresult()
    records = await store.load("child").aresult()
    print("child", [record.seq for record in records], flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
