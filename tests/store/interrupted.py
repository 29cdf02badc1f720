"""A program that is interrupted, as by Ctrl-C, a hundred times while it appends.

Arguments: URL of the server. Prints whether the journal is what it appended.
"""

from __future__ import annotations

import random
import signal
import sys
from types import FrameType

from langchain_durable.store import open_store
from tests.store.making import ended, leased, started


class Interrupted(BaseException):
    """Like KeyboardInterrupt: no handler of ours catches it."""


def interrupt(signum: int, frame: FrameType | None) -> None:
    raise Interrupted


def main(url: str) -> None:
    store = open_store(url)
    lease = leased(store)
    signal.signal(signal.SIGALRM, interrupt)
    seq, interrupts = 2, 0
    while interrupts < 100:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0005, 0.003))
            # Long past the timer: Python swallows what is raised in some object's ``__del__``.
            for _ in range(1_000):
                store.append(lease, [started(b"%d" % seq)], seq=seq)
                store.append(lease, [ended(b"%d" % seq)], seq=seq + 1).result()
                seq += 2
        except Interrupted:
            interrupts += 1
    store.append(lease, [started(b"%d" % seq)], seq=seq).result()
    records = store.load("r", limit=1_000_000).result()
    print([record.seq for record in records] == list(range(1, len(records) + 1)))
    print(all(record.step == b"%d" % (record.seq // 2 * 2) for record in records[1:]))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
