"""The call that has just started, on its way from the callbacks to its interceptor."""

from __future__ import annotations

from contextvars import ContextVar

from langchain_durable.costs.accounted import call_here
from langchain_durable.identity.tree import Scope
from langchain_durable.recorder.recorder import Recorder

pending: ContextVar[Step | None] = call_here
"""The step that has just started in this context; the interceptor takes it."""


class Step:
    """A call that is a step: who records it, an attempt or an observer, and where it stands."""

    __slots__ = ("attempt", "scope")

    def __init__(self, attempt: Recorder, scope: Scope) -> None:
        self.attempt = attempt
        self.scope = scope
