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


def is_accounted(scope: str) -> bool:
    """Is a model call that starts here, traced by the instrumentor ``scope``, a step of a run?

    It has its price as one, and none if it is replayed. What provides a model's SDK with spans is
    no such instrumentor: a program may call that SDK beside LangChain.
    """
    if scope not in PEERS:
        return False
    tracker = run_here.get()
    if tracker is None or tracker.attempt.closed:
        return False
    return tracker.attempt.settings.telemetry.pricing is not None
