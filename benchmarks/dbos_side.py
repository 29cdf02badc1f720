"""DBOS on SQLite, the durable step that ours is compared with."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib import metadata
from pathlib import Path


def installed() -> str | None:
    """The version of DBOS that is installed, if any."""
    return metadata.version("dbos") if importlib.util.find_spec("dbos") else None


def in_workflow(directory: Path, answer: str, body: Callable[[Callable[[], str]], None]) -> None:
    """Call ``body(step)`` in a DBOS workflow; ``step`` returns ``answer`` and is recorded."""
    from dbos import DBOS

    database = directory / "dbos.sqlite"
    DBOS(
        config={
            "name": "benchmark",
            "system_database_url": f"sqlite:///{database}",
            "log_level": "ERROR",
        }
    )

    @DBOS.step()
    def step() -> str:
        return answer

    @DBOS.workflow()
    def workflow() -> None:
        body(step)

    DBOS.launch()
    try:
        workflow()
    finally:
        DBOS.destroy(destroy_registry=True)
