"""A small memory that forgets the oldest half at once, for digests that can be made again."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Remembered(Generic[_T]):
    """Holds at most two generations of ``most`` items or ``max_bytes`` each.

    When the young one is full, the old one is dropped. Safe from many threads without a
    lock: a lost update costs one item made again.
    """

    def __init__(self, most: int, max_bytes: int) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self.clear()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def clear(self) -> None:
        self._young: dict[Hashable, _T] = {}
        self._old: dict[Hashable, _T] = {}
        self._bytes = 0

    def get(self, key: Hashable) -> _T | None:
        found = self._young.get(key)
        return self._old.get(key) if found is None else found

    def put(self, key: Hashable, item: _T, size: int) -> None:
        """Remember ``item``, which keeps ``size`` bytes alive; a giant is not remembered."""
        if size > self._max_bytes // 4:
            return
        if len(self._young) >= self._most or self._bytes + size > self._max_bytes:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._young[key] = item
        self._bytes += size
