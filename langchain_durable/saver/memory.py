"""LangGraph's saver in memory, for runs whose journal is in memory too."""

from __future__ import annotations

from langgraph.checkpoint.memory import InMemorySaver


class MemoryRunSaver(InMemorySaver):
    """One run's checkpoints, with what is asked of a :class:`RunSaver`."""

    ttl: int | None = None
    kept = False

    def flush(self) -> None:
        """Nothing waits."""
