"""The call that has just started, on its way from the callbacks to its interceptor."""

from __future__ import annotations

from contextvars import ContextVar

from langchain_durable.identity.tree import Scope
from langchain_durable.recorder.attempt import Attempt

pending: ContextVar[Step | None] = ContextVar("langchain_durable_pending", default=None)
"""The step that has just started in this context; the interceptor takes it."""


class Step:
    """A call that is a step of a run: the attempt, and where in it the call stands."""

    __slots__ = ("attempt", "scope")

    def __init__(self, attempt: Attempt, scope: Scope) -> None:
        self.attempt = attempt
        self.scope = scope
