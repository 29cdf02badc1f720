"""What is believed to be stored of each thread, so that it need not be sent again."""

from __future__ import annotations

import os
from collections import OrderedDict
from threading import Lock

from langchain_durable.saver.blobs import Memory
from langchain_durable.saver.redis_commands import Keys

THREADS = 256
MESSAGES = 10_000
"""Per thread; at 150 bytes each."""


class Memories:
    """The memories of the threads used last. Wrong beliefs cost a round trip, no data."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._threads: OrderedDict[bytes, Memory] = OrderedDict()
        self._lock = Lock()
        self._pid = os.getpid()

    def of(self, keys: Keys) -> Memory:
        # A fork may have copied the lock while another thread held it.
        if self._pid != os.getpid():
            self._begin()
        with self._lock:
            memory = self._threads.setdefault(keys.data, Memory())
            self._threads.move_to_end(keys.data)
            if len(self._threads) > THREADS:
                self._threads.popitem(last=False)
            return memory

    def learn(self, keys: Keys, learned: Memory) -> None:
        """Believe what was just written or read."""
        memory = self.of(keys)
        if len(memory.items) + len(learned.items) > MESSAGES:
            self.forget(keys)
            memory = self.of(keys)
        memory.items.update(learned.items)
        memory.chunks.update(learned.chunks)

    def forget(self, keys: Keys) -> None:
        self.of(keys)
        with self._lock:
            self._threads.pop(keys.data, None)
