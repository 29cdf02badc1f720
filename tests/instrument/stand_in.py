"""Stands for another instrumentor of LangChain: what the base class makes visible of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]  # hidden from type checkers
    BaseInstrumentor,
)

CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}


def stand_in() -> Any:
    """A new class, because the base class keeps one instance for a class and those below it."""

    class LangChainInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # as above
        def instrumentation_dependencies(self) -> Collection[str]:
            return ()

        def _instrument(self, **kwargs: Any) -> None: ...

        def _uninstrument(self, **kwargs: Any) -> None: ...

    return LangChainInstrumentor


LangChainInstrumentor = stand_in()
"""Has the class name of the official one and of OpenInference's."""


def chat(provider: trace.TracerProvider, scope: str = "theirs", **more: Any) -> None:
    """A span as another instrumentor makes one."""
    provider.get_tracer(scope).start_span("chat gpt-4o", attributes={**CHAT, **more}).end()
