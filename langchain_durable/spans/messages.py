"""Messages, tools and documents in the convention's JSON schemas.

Schemas: ``gen-ai-input-messages.json``, ``gen-ai-output-messages.json``,
``gen-ai-tool-definitions.json`` and ``gen-ai-retrieval-documents.json`` of
open-telemetry/semantic-conventions-genai. What LangChain has and they have not is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages

from langchain_durable.jsonable import jsonable

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool"}
_MODALITIES = {"image": "image", "audio": "audio", "video": "video", "file": "document"}


def input_messages(messages: Any) -> list[dict[str, Any]]:
    """A prompt: messages, what LangChain takes for messages, or a text."""
    return [
        {"role": _role(message), "parts": _parts(message), "name": message.name}
        for message in _messages(messages)
    ]


def output_message(message: BaseMessage, finish_reason: str | None) -> dict[str, Any]:
    """One candidate of a model's answer."""
    return {
        "role": _role(message),
        "parts": _parts(message),
        "finish_reason": finish_reason,
        "name": message.name,
    }


def text_message(text: str, *, role: str = "user") -> dict[str, Any]:
    """A text that somebody says."""
    return {"role": role, "parts": [_text(text)], "name": None}


def tool_definitions(tools: Any) -> list[dict[str, Any]]:
    """The tools that a model may call, from the parameters of the call."""
    found = [_definition(tool) for tool in tools if isinstance(tool, Mapping)]
    return [definition for definition in found if definition is not None]


def retrieved(documents: Sequence[Any]) -> list[dict[str, Any]]:
    """What a retriever found: id and score, which is all that the schema has."""
    return [
        {"id": document.id if isinstance(document.id, str) else None, "score": _score(document)}
        for document in documents
    ]


def text_part(text: str) -> dict[str, Any]:
    """A text as a part of a message or of the system's instructions."""
    return _text(text)


def _messages(given: Any) -> list[BaseMessage]:
    if isinstance(given, BaseMessage):
        return [given]
    if isinstance(given, str):
        return convert_to_messages([("user", given)])
    if isinstance(given, Sequence) and all(isinstance(item, BaseMessage) for item in given):
        return list(given)
    try:
        return convert_to_messages(given)
    except Exception:
        return []  # not messages: a program may keep anything under that key


def _role(message: BaseMessage) -> str:
    role = getattr(message, "role", None) or message.type
    return _ROLES.get(role, role)


def _text(text: str) -> dict[str, Any]:
    return {"content": text, "type": "text"}


def _parts(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message, ToolMessage):
        response = jsonable(message.content)
        return [{"response": response, "id": message.tool_call_id, "type": "tool_call_response"}]
    if isinstance(message.content, str) and not isinstance(message, AIMessage):
        return [_text(message.content)] if message.content else []
    found = [_part(block) for block in message.content_blocks]
    return [part for part in found if part is not None]


def _part(block: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = block.get("type", "")
    if kind == "text":
        return _text(block["text"]) if block.get("text") else None
    if kind == "reasoning":
        thought = block.get("reasoning")
        return {"content": thought, "type": "reasoning"} if thought else None
    if kind == "tool_call":
        called = jsonable(block.get("args"))
        call = {"arguments": called, "name": block.get("name"), "id": block.get("id")}
        return {**call, "type": "tool_call"}
    if kind in ("server_tool_call", "server_tool_result"):
        return _server_part(kind, block)
    return _media(block, _MODALITIES[kind]) if kind in _MODALITIES else None


def _server_part(kind: str, block: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "server_tool_call":
        name = block.get("name") or "unknown"
        call = {"type": name, "arguments": jsonable(block.get("args"))}
        told = {"name": name, "server_tool_call": call, "id": block.get("id")}
        return {**told, "type": "server_tool_call"}
    response = {"type": "result", "output": jsonable(block.get("output"))}
    told = {"server_tool_call_response": response, "id": block.get("tool_call_id")}
    return {**told, "type": "server_tool_call_response"}


def _media(block: Mapping[str, Any], modality: str) -> dict[str, Any] | None:
    told = {"mime_type": block.get("mime_type"), "modality": modality}
    for key, name, kind in (
        ("url", "uri", "uri"),
        ("base64", "content", "blob"),
        ("file_id", "file_id", "file"),
    ):
        if block.get(key):
            return {**told, name: str(block[key]), "type": kind}
    return None


def _definition(tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """A function; a tool that runs at the provider has only a type."""
    function = tool.get("function")
    described: Mapping[str, Any] = function if isinstance(function, Mapping) else tool
    name = described.get("name") or tool.get("type")
    if not name:
        return None
    if not isinstance(function, Mapping) and tool.get("type") not in (None, "function", "custom"):
        return {"name": str(name), "type": str(tool["type"])}
    parameters = described.get("parameters", described.get("input_schema"))
    return {
        "name": str(name),
        "description": described.get("description"),
        "parameters": jsonable(parameters),
        "type": "function",
    }


def _score(document: Any) -> float | None:
    for key in ("score", "relevance_score"):
        score = document.metadata.get(key)
        if type(score) in (int, float) and math.isfinite(score):
            return score  # type: ignore[no-any-return]  # metadata is untyped; just checked
    return None
