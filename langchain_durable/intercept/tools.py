"""Tools and retrievers: the provider methods ``_run`` and ``_get_relevant_documents``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from langchain_core.messages.tool import ToolOutputMixin
from langchain_core.tools import BaseTool, ToolException

from langchain_durable.intercept.perform import Ended, ValueForm, perform
from langchain_durable.intercept.side_channels import SideEffects, recording
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.wrapping import Bound
from langchain_durable.recorder.current import entered
from langchain_durable.spans.retrievers import retriever_ended
from langchain_durable.spans.tools import tool_ended
from langchain_durable.waiting import Procedure


def tool_call(
    step: Step, original: Bound, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A tool's step: its value, and what it did besides in the node of a graph."""
    seen = _Tool(step, original.args[0])
    if not step.attempt.journaled:  # nothing is done again, so nothing has to be noticed
        return (yield from perform(step, seen, partial(original, *args, **kwargs)))
    with recording(seen, kwargs), entered(step.attempt, step.scope):
        return (yield from perform(step, seen, partial(original, *args, **kwargs)))


class _Tool(SideEffects):
    """A tool's value, with what it did besides. Its arguments are kept before it runs."""

    __slots__ = ("_tool",)

    def __init__(self, step: Step, tool: BaseTool) -> None:
        super().__init__(step)
        self._tool = tool

    def inputs(self, step: Step) -> Any:
        # They go into the journal as a payload, not with the attributes.
        attributes = step.scope.attributes
        return attributes.pop("args", None) if attributes else None

    def handles(self, exc: BaseException) -> bool:
        return isinstance(exc, ToolException) and bool(self._tool.handle_tool_error)

    def instead(self, packed: Any) -> Any:
        # What a model has asked for goes back to it as the text of a message.
        asked = "tool_call_id" in (self.step.scope.attributes or {})
        if not asked or self._tool.response_format != "content":
            return None
        text = _message_text(packed["v"])
        return None if text is None else {**packed, "v": text}

    def ended(self, result: Any) -> Ended:
        return None, tool_ended(result)


def _message_text(result: Any) -> str | None:
    """The text of the message that LangChain makes of a tool's result; None if it makes none, or
    one of more than text."""
    if isinstance(result, (str, ToolOutputMixin)):
        return None
    blocks = (str, dict, ToolOutputMixin)
    if isinstance(result, Sequence) and all(isinstance(part, blocks) for part in result):
        return None
    try:
        return json.dumps(result, ensure_ascii=False)
    except Exception:
        return str(result)


def retriever_call(
    step: Step, original: Bound, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A retriever's step: its documents."""
    return perform(step, _DOCUMENTS, partial(original, *args, **kwargs))


class _Documents(ValueForm):
    __slots__ = ()

    def ended(self, result: Any) -> Ended:
        return None, retriever_ended(result)


_DOCUMENTS = _Documents()
