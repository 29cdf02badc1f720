"""Calls of runs that somebody else traces too: they are priced with their record, and once."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

PEERS = {
    "opentelemetry.instrumentation.genai.langchain": "LangChainInstrumentor",
    "opentelemetry.instrumentation.langchain": "LangchainInstrumentor",
    "openinference.instrumentation.langchain": "LangChainInstrumentor",
}
"""The other instrumentors of LangChain, module and class: the official one, OpenLLMetry's and
OpenInference's. The module is also the scope of its spans."""

run_here: ContextVar[Any] = ContextVar("langchain_durable_active", default=None)
"""The tracker of the run that is active in this context: ``intercept.active`` sets it."""


call_here: ContextVar[Any] = ContextVar("langchain_durable_pending", default=None)
"""The step that has just started in this context: ``intercept.step`` knows it as pending."""


def is_accounted(scope: str) -> bool:
    """Is a model call that starts here, traced by the instrumentor ``scope``, a step of a run?

    It has its price as one, and none if it is replayed. What provides a model's SDK with spans is
    no such instrumentor: a program may call that SDK beside LangChain.
    """
    if scope not in PEERS:
        return False
    attempt = _recording()
    return attempt is not None and attempt.settings.telemetry.pricing is not None


def _recording() -> Any:
    """The attempt that the call which starts here is recorded by; None if there is none."""
    tracker, step = run_here.get(), call_here.get()
    if tracker is not None and not tracker.attempt.closed:
        return tracker.attempt
    # A handler that is passed to a call follows only that one, and hears of each call before
    # others do. A call that is taken is under way: the one that starts is not it.
    if step is None or step.scope.taken or step.attempt.closed or not step.attempt.run_id:
        return None
    return step.attempt
