"""What a benchmark is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.row import Row
from tests.servers import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The stage of a benchmark: a server of its own, a directory, and how much to measure."""

    server: Server
    directory: Path
    quick: bool = False

    def times(self, full: int, quick: int) -> int:
        """How often to do something; quick runs show that a benchmark works, not more."""
        return quick if self.quick else full

    @property
    def tcp(self) -> str:
        return self.server.url

    @property
    def unix(self) -> str:
        return f"unix://{self.server.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A named set of figures."""

    name: str
    title: str
    run: Callable[[Bench], Iterable[Row]]
