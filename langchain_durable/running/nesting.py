"""Calls inside of a run: they belong to it, whatever id they name."""

from __future__ import annotations

import warnings
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.errors import DurableWarning
from langchain_durable.intercept.active import active, tracker_in
from langchain_durable.intercept.tracker import RunTracker


def surrounding(config: RunnableConfig | None = None) -> RunTracker | None:
    """The run that a call belongs to already: one around it, or in its callbacks."""
    tracker = active.get()
    if tracker is not None and not tracker.attempt.closed:
        return tracker
    return tracker_in((config or {}).get("callbacks"))


def warn_of_another(tracker: RunTracker, named: Any, *, stacklevel: int) -> None:
    """Warn, once a run, of a call in it that names another run: that one is not made."""
    run_id = tracker.attempt.run_id
    if named == run_id or tracker.warned_of_another:
        return
    tracker.warned_of_another = True
    warnings.warn(
        f"Run {named!r} was asked for inside of run {run_id!r}, which is active here: its calls "
        f"are recorded in {run_id!r}, and there will be no run {named!r}. Leave the inner id out "
        "if that is meant; else end the outer run first. A generator keeps its `with "
        "durable.run(...)` active for its reader until it is closed: stream from a wrapped "
        "runnable instead.",
        DurableWarning,
        stacklevel=stacklevel,
    )
