"""Which run is active here: its tracker, by this context or among a call's callbacks."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any

from langchain_durable.costs.accounted import run_here
from langchain_durable.intercept.step import pending
from langchain_durable.intercept.tracker import PathTracker, RunTracker
from langchain_durable.recorder.observer import Observer
from langchain_durable.recorder.recorder import Recorder

active: ContextVar[RunTracker | None] = run_here
"""The tracker of the run that is active in this context."""


def _forget() -> None:
    """In a forked child: the run is its parent's. In other contexts its tracker just hears no
    more."""
    active.set(None)
    pending.set(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def deactivate(tracker: RunTracker, before: RunTracker | None) -> None:
    """Have what was active ``before`` be active again, where ``tracker`` is.

    Not by a token: a generator that is advanced or closed by a framework, another task or the
    garbage collector ends in a context that is not the one it began in.
    """
    if active.get() is tracker:
        active.set(before)


class Hook:
    """What LangChain's configure hook takes for a context variable.

    Its value is the tracker of the active run, or else the observer of the process, if any.
    """

    __slots__ = ("observer",)

    def __init__(self) -> None:
        self.observer: PathTracker[Observer] | None = None

    def get(self) -> PathTracker[Recorder] | None:
        """What is to be attached to a call that starts here."""
        return active.get() or self.observer


hook = Hook()


def tracker_in(callbacks: Any) -> RunTracker | None:
    """The tracker of a run among callbacks, in any form that a config has them in."""
    for handler in getattr(callbacks, "handlers", callbacks) or ():
        # That of DurableInstrumentor only observes, and follows no run.
        if isinstance(handler, PathTracker) and handler.attempt.run_id:
            return None if handler.attempt.forked else handler
    return None
