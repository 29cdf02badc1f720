"""The conversation of a run, as the values of its input and its steps have it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue
from pydantic import BaseModel

from langchain_durable.events import StepKind, StepStarted

_INPUT_KEYS = ("messages", "input", "question", "query")


def input_messages(value: Any) -> list[BaseMessage]:
    """The messages in a run's input: a prompt, messages in any form that LangChain takes,
    or a dict with one of these. An input without a conversation gives none."""
    if isinstance(value, Mapping):
        found = next((value[key] for key in _INPUT_KEYS if value.get(key)), None)
        return [] if isinstance(found, Mapping) else input_messages(found)
    if isinstance(value, str):
        return [HumanMessage(value)]
    if isinstance(value, BaseMessage):
        return [value]
    if isinstance(value, PromptValue):
        return value.to_messages()
    if not isinstance(value, (list, tuple)):
        return []
    try:
        return convert_to_messages(value)
    except Exception:  # a list of something else, such as documents: no conversation
        return []


def step_messages(start: StepStarted, value: Any) -> list[BaseMessage]:
    """What a completed step added to the conversation."""
    if not isinstance(value, Mapping):
        return []
    if start.kind is StepKind.MODEL:
        return [
            message for message in (value.get("g") or ())[:1] if isinstance(message, BaseMessage)
        ]
    return _tool_messages(start, value.get("v"))


def _tool_messages(start: StepStarted, value: Any) -> list[BaseMessage]:
    if isinstance(value, BaseMessage):
        return [value]
    update = getattr(value, "update", None)
    if isinstance(update, Mapping) and type(value).__name__ == "Command":
        return [item for item in update.get("messages") or () if isinstance(item, BaseMessage)]
    artifact = None
    if isinstance(value, tuple) and len(value) == 2:  # response_format="content_and_artifact"
        value, artifact = value
    return [
        ToolMessage(
            content=_content(value),
            name=start.name,
            tool_call_id=str(start.attributes.get("tool_call_id", "")),
            artifact=artifact,
        )
    ]


def _content(value: Any) -> str | list[str | dict[Any, Any]]:
    """As LangChain does: text and content blocks as they are, other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(_is_block(item) for item in value):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def _is_block(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, dict) and "type" in item)


def pack_messages(
    messages: Sequence[BaseMessage], infos: Sequence[Any], llm_output: Any = None
) -> dict[str, Any]:
    """What the journal keeps of a model's answer. Messages go in one by one, whole."""
    packed: dict[str, Any] = {"g": [_plain(message) for message in messages]}
    if any(infos):
        packed["i"] = list(infos)
    if llm_output:
        packed["o"] = llm_output
    return packed


_PARSED = "parsed"


def _plain(message: BaseMessage) -> BaseMessage:
    """The message, with what langchain-openai has parsed its text to as the data that it is.

    ``with_structured_output`` makes an object of the program's class of the data again.
    """
    parsed = message.additional_kwargs.get(_PARSED)
    if not isinstance(parsed, BaseModel):
        return message
    data = parsed.model_dump(mode="json", by_alias=True)
    return message.model_copy(
        update={"additional_kwargs": {**message.additional_kwargs, _PARSED: data}}
    )
