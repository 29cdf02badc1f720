"""Which run is active here: its tracker, by this context or among a call's callbacks."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

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


_followers: WeakValueDictionary[int, PathTracker[Recorder]] = WeakValueDictionary()


def follow(handler: PathTracker[Recorder]) -> None:
    """A handler follows a run that is active in no context: it was passed to a call."""
    _followers[id(handler)] = handler


def unfollow(handler: PathTracker[Recorder]) -> None:
    """Its run is over."""
    _followers.pop(id(handler), None)


def is_followed(run_id: UUID) -> bool:
    """Is a call that starts here, by LangChain's run id of it, part of any run?

    Handlers that were passed to it hear of it before those that are attached to all calls.
    """
    if active.get() is not None:
        return True
    handlers = [found() for found in _followers.valuerefs()]
    return any(each is not None and each.scope(run_id) is not None for each in handlers)


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
