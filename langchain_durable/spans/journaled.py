"""Captured content from the journal: what tools were given, and what calls answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.outputs import ChatGeneration, ChatResult, Generation, LLMResult

from langchain_durable.errors import JournalError
from langchain_durable.events import Entry, Outcome, StepEnded, StepKind
from langchain_durable.spans.content import Content
from langchain_durable.spans.start import Attributes


@dataclass(frozen=True, slots=True)
class Journaled:
    """Reads content out of entries, as far as ``content`` captures any.

    ``decode`` gives the value that an entry carries. A value that cannot be read is not shown.
    """

    content: Content
    decode: Callable[[Entry], Any]

    def given(self, entry: Entry, kind: StepKind) -> Attributes:
        """What the entry of a step's start says went in; the journal has it for tools."""
        if kind is not StepKind.TOOL or entry.payload is None:
            return {}
        arguments = self._value(entry)
        return {} if arguments is None else self.content.tool_input(arguments)

    def answered(self, entry: Entry, kind: StepKind, before: Mapping[str, Any]) -> Attributes:
        """What the entry of a step's end says came out; ``before`` are the start's attributes."""
        event = entry.event
        done = isinstance(event, StepEnded) and event.outcome is Outcome.COMPLETED
        packed = self._value(entry) if done and entry.payload is not None else None
        if not isinstance(packed, Mapping):
            return {}
        if kind is StepKind.MODEL:
            result = _result(packed)
            return {} if result is None else self.content.model_output(result, before)
        if kind is StepKind.TOOL:
            return self.content.tool_output(packed.get("v"), before)
        if kind is StepKind.RETRIEVER and isinstance(packed.get("v"), Sequence):
            return self.content.retriever_output(packed["v"], before)
        return {}

    def _value(self, entry: Entry) -> Any:
        try:
            return self.decode(entry) if self.content.enabled else None
        except JournalError:
            return None


def _result(packed: Mapping[str, Any]) -> ChatResult | LLMResult | None:
    if "g" in packed:
        infos = packed.get("i") or [None] * len(packed["g"])
        pairs = zip(packed["g"], infos, strict=True)
        return ChatResult(
            generations=[ChatGeneration(message=said, generation_info=info) for said, info in pairs]
        )
    if "t" not in packed:
        return None
    texts = [
        [Generation(text=text, generation_info=info) for text, info in candidates]
        for candidates in packed["t"]
    ]
    return LLMResult(generations=texts)
