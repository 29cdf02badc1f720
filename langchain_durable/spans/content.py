"""Content on spans and events: messages, arguments, results, documents. Off by default.

It may be personal, and it is large. So a redaction hook sees it first, and it has a budget.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult, LLMResult

from langchain_durable import semconv
from langchain_durable.jsonable import jsonable
from langchain_durable.spans.fitting import fitted, fitted_text, sendable, to_json
from langchain_durable.spans.messages import (
    input_messages,
    output_message,
    retrieved,
    text_message,
    text_part,
    tool_definitions,
)
from langchain_durable.spans.models import candidates_of, finish_reasons

Redact = Callable[[Any], Any]
"""Gets a value as plain data (lists, dicts, texts) and gives what may be captured of it."""

BUDGET = 65_536
"""Bytes of JSON that one attribute may have. OTLP receivers drop a batch above 4 MiB."""

_logger = logging.getLogger(__name__)


class Capture(StrEnum):
    """Where content is to be captured: the values of the convention's environment variable."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"

    @property
    def on_spans(self) -> bool:
        return self in (Capture.SPAN_ONLY, Capture.SPAN_AND_EVENT)

    @property
    def on_events(self) -> bool:
        return self in (Capture.EVENT_ONLY, Capture.SPAN_AND_EVENT)


def capture_from_environment() -> Capture:
    """What ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says; nothing if unset.

    A value that is none of the convention's captures nothing, with a warning in the log.
    """
    given = os.environ.get(semconv.CAPTURE_CONTENT_VARIABLE, "").strip()
    if not given:
        return Capture.NO_CONTENT
    try:
        return Capture(given.upper())
    except ValueError:
        _logger.warning(
            "%s is %r, so no content is captured. Expected: one of %s.",
            semconv.CAPTURE_CONTENT_VARIABLE,
            given,
            ", ".join(Capture),
        )
        return Capture.NO_CONTENT


def events_from_environment(capture: Capture) -> bool:
    """Whether each model call is an event too: as ``OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT``
    says, else where ``capture`` has content on events."""
    given = os.environ.get(semconv.EMIT_EVENT_VARIABLE, "").strip().lower()
    if given in ("", "true", "false"):
        return given == "true" or (not given and capture.on_events)
    _logger.warning(
        "%s is %r, so it counts as unset. Expected: true or false.",
        semconv.EMIT_EVENT_VARIABLE,
        given,
    )
    return capture.on_events


class Content:
    """Captures content as attributes; every method gives none while capture is off.

    On spans (``enabled``) the values are JSON texts, because backends differ in what else they
    show; on events they are data, as the convention wants them. An attribute
    has at most ``budget`` bytes of JSON; what is left out is counted in
    ``langchain_durable.content.truncated_bytes``. A ``redact`` that raises, or a value that
    cannot be told, captures nothing and warns once. Methods for outputs take the attributes
    of the input as ``before``, to add to what was left out there.
    """

    def __init__(
        self,
        capture: Capture = Capture.NO_CONTENT,
        *,
        budget: int = BUDGET,
        redact: Redact | None = None,
    ) -> None:
        self.enabled = capture.on_spans
        self.on_events = capture.on_events
        self._budget = budget
        self._redact = redact
        self._warned = False

    # -- inputs -------------------------------------------------------------------------------

    def model_input(self, prompt: Any, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """A prompt (messages or a text), and the tools that the model may call."""
        return self._told(lambda: _model_input(prompt, params or {})) if self.enabled else {}

    def tool_input(self, arguments: Any) -> dict[str, Any]:
        """A tool's arguments: a mapping, or a text."""
        told = {semconv.TOOL_CALL_ARGUMENTS: arguments}
        return self._told(lambda: told) if self.enabled else {}

    def retriever_input(self, query: str) -> dict[str, Any]:
        """A retriever's query."""
        return self._told(lambda: {semconv.RETRIEVAL_QUERY_TEXT: query}) if self.enabled else {}

    def chain_input(self, inputs: Any) -> dict[str, Any]:
        """The input of an agent or a workflow: its messages, else all of it as one."""
        return self._told(lambda: _chain_input(inputs)) if self.enabled else {}

    # -- outputs ------------------------------------------------------------------------------

    def model_output(
        self, result: ChatResult | LLMResult, before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The candidates of a model's answer."""
        return self._told(lambda: _model_output(result), before) if self.enabled else {}

    def tool_output(self, output: Any, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A tool's result: a message's content, or the value itself."""
        told = {semconv.TOOL_CALL_RESULT: getattr(output, "content", output)}
        return self._told(lambda: told, before) if self.enabled else {}

    def retriever_output(
        self, documents: Sequence[Any], before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Which documents a retriever found, and how well they fit."""
        if not self.enabled:
            return {}
        return self._told(lambda: {semconv.RETRIEVAL_DOCUMENTS: retrieved(documents)}, before)

    def chain_output(self, outputs: Any, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of an agent or a workflow: the last message of its model, or its text."""
        return self._told(lambda: _chain_output(outputs), before) if self.enabled else {}

    # -- events -------------------------------------------------------------------------------

    def model_event(
        self,
        prompt: Any,
        params: Mapping[str, Any] | None,
        result: ChatResult | LLMResult | None = None,
    ) -> dict[str, Any]:
        """A model call's prompt and tools, and its answer if it has one."""
        if not self.on_events:
            return {}

        def values() -> dict[str, Any]:
            asked = _model_input(prompt, params or {})
            return asked if result is None else asked | _model_output(result)

        return self._told(values, write=sendable)

    # -- how they are told --------------------------------------------------------------------

    def _told(
        self,
        values: Callable[[], dict[str, Any]],
        before: Mapping[str, Any] | None = None,
        write: Callable[[Any], Any] = to_json,
    ) -> dict[str, Any]:
        left_out = int((before or {}).get(semconv.TRUNCATED_BYTES, 0))
        told: dict[str, Any] = {}
        try:
            for key, value in values().items():
                plain = jsonable(value)
                if self._redact is not None:
                    plain = jsonable(self._redact(plain))
                written, missing = self._written(plain, write)
                left_out += missing
                if written is not None:
                    told[key] = written
        except Exception as exc:
            self._warn(exc)
            return {}
        if left_out:
            told[semconv.TRUNCATED_BYTES] = left_out
        return told

    def _written(self, value: Any, write: Callable[[Any], Any]) -> tuple[Any, int]:
        if value is None or isinstance(value, str):
            return (None, 0) if value is None else fitted_text(value, self._budget)
        kept, missing = fitted(value, self._budget)
        return (None if kept is None else write(kept)), missing

    def _warn(self, exc: Exception) -> None:
        if not self._warned:
            self._warned = True
            _logger.warning(
                "Content of a call is not captured, here and wherever this happens again: "
                "%s: %s. Do: look at the redaction hook, if there is one.",
                type(exc).__name__,
                exc,
            )


def _model_input(prompt: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {semconv.INPUT_MESSAGES: input_messages(prompt)}
    instructions = params.get("instructions") or params.get("system")
    if isinstance(instructions, str):
        told[semconv.SYSTEM_INSTRUCTIONS] = [text_part(instructions)]
    tools = params.get("tools") or params.get("functions")
    if tools:
        told[semconv.TOOL_DEFINITIONS] = tool_definitions(tools)
    return told


def _model_output(result: ChatResult | LLMResult) -> dict[str, Any]:
    told: list[dict[str, Any]] = []
    for candidate, reason in zip(candidates_of(result), finish_reasons(result), strict=True):
        message = (
            candidate.message
            if isinstance(candidate, ChatGeneration)
            else AIMessage(candidate.text)
        )
        told.append(output_message(message, reason))
    return {semconv.OUTPUT_MESSAGES: told} if told else {}


def _chain_input(inputs: Any) -> dict[str, Any]:
    if isinstance(inputs, (str, BaseMessage)):
        return {semconv.INPUT_MESSAGES: input_messages(inputs)}
    if not isinstance(inputs, Mapping):
        return {}
    if inputs.get("messages") is not None:
        return {semconv.INPUT_MESSAGES: input_messages(inputs["messages"])}
    rest = {key: value for key, value in inputs.items() if value is not None}
    text = json.dumps(jsonable(rest), ensure_ascii=False)
    return {semconv.INPUT_MESSAGES: [text_message(text)]} if rest else {}


def _chain_output(outputs: Any) -> dict[str, Any]:
    if isinstance(outputs, str):
        return {semconv.OUTPUT_MESSAGES: [output_message(AIMessage(outputs), None)]}
    found = outputs.get("messages") if isinstance(outputs, Mapping) else outputs
    messages = found if isinstance(found, (list, tuple)) else [found]
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            return {semconv.OUTPUT_MESSAGES: [output_message(message, None)]}
    return {}
