"""Which step is this provider call? Taken once, from the tracker that saw it start."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from langchain_durable.errors import DurableWarning
from langchain_durable.events import StepKind
from langchain_durable.intercept.active import active
from langchain_durable.intercept.step import Step, pending
from langchain_durable.intercept.tracker import PathTracker
from langchain_durable.recorder.runtime import stray_call


def claim(kind: StepKind, kwargs: Mapping[str, Any]) -> Step | None:
    """The step that a provider's method is called for; None if it belongs to no run.

    A step is taken once: a provider method that calls another of its own (``_arun``
    falling back to ``_run``) is one call.
    """
    step = of_manager(kwargs.get("run_manager")) or pending.get()
    if step is None and active.get() is None:
        _warn_if_stray()
    if step is None or step.scope.taken or step.scope.kind is not kind or step.attempt.closed:
        return None  # also for what a program still does when its run is over
    step.scope.taken = True
    return step


def _warn_if_stray() -> None:
    attempt = stray_call()
    if attempt is not None and attempt.forked:
        warnings.warn(
            f"A model, tool or retriever was called in a process forked inside of run "
            f"{attempt.run_id!r}. A run is recorded by one process: this call is not, and is made "
            "again if the run is. Record all that the child does as one step, durable.step(...) "
            "around it in the parent, or give it a run of its own.",
            DurableWarning,
            stacklevel=4,
        )
    elif attempt is not None:
        warnings.warn(
            "A model, tool or retriever was called outside of every run while one is active, as "
            "happens in a plain thread or executor, and in a generator that a framework advances. "
            "If the call belongs to the run, bind it: executor.submit(run.bind(function), ...); "
            "instead of a generator with a run in it, stream from a wrapped one: "
            "durable.wrap(RunnableLambda(generator)).stream(...). Else ignore this.",
            DurableWarning,
            stacklevel=4,
        )


def of_manager(run_manager: Any) -> Step | None:
    """The step that LangChain's run manager stands for, if one of ours follows it."""
    if run_manager is None:
        return None
    for handler in run_manager.handlers:
        if isinstance(handler, PathTracker):
            step = handler.step(run_manager.run_id)
            if step is not None:
                return step
    return None
