"""What a tool's author can say about crashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from langchain_core.tools import BaseTool

from langchain_durable.errors import ConfigurationError
from langchain_durable.recorder.answers import IN_DOUBT

Policy = Literal["retry", "ask", "fail"]
T = TypeVar("T", bound=BaseTool)


def in_doubt(policy: Policy) -> Callable[[T], T]:
    """Say what happens to a tool's call that was in flight when the program died.

    ``"retry"`` (the default) makes the call again, so give the effect an
    :func:`idempotency_key`. ``"ask"`` pauses the run for a decision: in a LangGraph graph by
    an interrupt that ``Command(resume=...)`` answers, elsewhere as ``"fail"``. ``"fail"``
    raises ``StepInDoubt`` until ``durable.resolve`` has decided it.

    Use it above ``@tool``::

        @in_doubt("fail")
        @tool
        def pay(amount: int) -> str: ...
    """
    if policy not in ("retry", "ask", "fail"):
        raise ConfigurationError(
            "There is no such in-doubt policy.",
            expected="'retry', 'ask' or 'fail'",
            came=repr(policy),
            do="correct the policy",
        )

    def decorate(tool: T) -> T:
        if not isinstance(tool, BaseTool):
            raise ConfigurationError(
                "in_doubt decorates tools.",
                expected="a LangChain tool",
                came=type(tool).__name__,
                do="put @in_doubt(...) above @tool",
            )
        metadata: dict[str, Any] = {**(tool.metadata or {}), IN_DOUBT: policy}
        tool.metadata = metadata
        return tool

    return decorate
