"""langchain-durable: a killed LangChain program picks up where it was.

durable = Durable()                                  # or Durable("redis://localhost:6379/0")
agent = durable.wrap(agent)
agent.invoke(inputs, durable.config("order-42"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_durable.callback_handler import DurableCallbackHandler
    from langchain_durable.costs.pricing import Pricing
    from langchain_durable.costs.processor import CostSpanProcessor
    from langchain_durable.durable import Durable
    from langchain_durable.errors import (
        DurableError,
        DurableWarning,
        ExportFailed,
        JournalError,
        JournalUnavailable,
        ReplayedError,
        RunBusy,
        RunCancelled,
        RunCompleted,
        RunError,
        RunExpired,
        RunFenced,
        RunInputMismatch,
        RunNotFound,
        StepDrift,
        StepError,
        StepInDoubt,
        StreamCut,
    )
    from langchain_durable.events import Entry, Outcome, RunStatus, StepKind
    from langchain_durable.flushing import flush_on_sigterm
    from langchain_durable.instrumentor import DurableInstrumentor
    from langchain_durable.journal import Header, Retention
    from langchain_durable.reading.checkpoint import Checkpoint
    from langchain_durable.recorder.current import idempotency_key
    from langchain_durable.running.run import Run
    from langchain_durable.tools import in_doubt

    __version__: str
    """As it is installed; empty for a bare source tree."""

__all__ = [
    "Checkpoint",
    "CostSpanProcessor",
    "Durable",
    "DurableCallbackHandler",
    "DurableError",
    "DurableInstrumentor",
    "DurableWarning",
    "Entry",
    "ExportFailed",
    "Header",
    "JournalError",
    "JournalUnavailable",
    "Outcome",
    "Pricing",
    "ReplayedError",
    "Retention",
    "Run",
    "RunBusy",
    "RunCancelled",
    "RunCompleted",
    "RunError",
    "RunExpired",
    "RunFenced",
    "RunInputMismatch",
    "RunNotFound",
    "RunStatus",
    "StepDrift",
    "StepError",
    "StepInDoubt",
    "StepKind",
    "StreamCut",
    "flush_on_sigterm",
    "idempotency_key",
    "in_doubt",
]

_HOMES = {
    "Durable": "durable",
    "DurableCallbackHandler": "callback_handler",
    "CostSpanProcessor": "costs.processor",
    "DurableInstrumentor": "instrumentor",
    "Pricing": "costs.pricing",
    "Run": "running.run",
    "flush_on_sigterm": "flushing",
    "Checkpoint": "reading.checkpoint",
    "idempotency_key": "recorder.current",
    "in_doubt": "tools",
    **dict.fromkeys(("Entry", "Outcome", "RunStatus", "StepKind"), "events"),
    "__version__": "version",
    **dict.fromkeys(("Header", "Retention"), "journal"),
}
"""Where the names live that are not errors. They are imported when they are first used: the
package is imported by every pytest that has our plugin, and LangChain takes a second."""


if not TYPE_CHECKING:  # to a type checker, a module that has this has every name

    def __getattr__(name: str) -> Any:
        if name not in __all__ and name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
        globals()[name] = value
        return value
