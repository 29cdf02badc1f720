"""The moment when a program has configured what it wants, and is at work."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook


class FirstCall(BaseCallbackHandler):
    """Hears of LangChain's calls until ``look`` has nothing left to do."""

    run_inline = True

    def __init__(self) -> None:
        self._look: Callable[[], bool] | None = None
        self._hooked = False

    def expect(self, look: Callable[[], bool] | None) -> None:
        """Call ``look`` at each call from now on, until it says True."""
        self._look = look
        if look is not None and not self._hooked:
            self._hooked = True
            register_configure_hook(_watching, inheritable=False)

    @property
    def _is_done(self) -> bool:
        return self._look is None

    ignore_llm = ignore_chat_model = ignore_chain = ignore_agent = ignore_retriever = _is_done

    def _began(self, *args: Any, **kwargs: Any) -> None:
        look = self._look
        if look is not None and look() and self._look is look:
            self._look = None

    on_llm_start = on_chat_model_start = on_chain_start = _began
    on_tool_start = on_retriever_start = _began

    def on_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """LangGraph tells every handler."""

    def on_resume(self, *args: Any, **kwargs: Any) -> None:
        """As above."""


first_call = FirstCall()
_watching: ContextVar[BaseCallbackHandler | None] = ContextVar(
    "langchain_durable_first_call", default=first_call
)
