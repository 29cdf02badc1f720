"""Tool calls: ``execute_tool`` spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.spans.start import Attributes, Start, conversation_id


def tool_started(
    serialized: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
    tool_call_id: str | None = None,
    *,
    agent: str | None = None,
) -> Start:
    """What a tool's span says when it starts. ``agent`` is the name of the one that calls it."""
    serialized = serialized or {}
    name = serialized.get("name") or "unknown"
    told: Attributes = {
        semconv.OPERATION_NAME: semconv.EXECUTE_TOOL,
        semconv.TOOL_NAME: str(name),
        semconv.TOOL_TYPE: "function",
    }
    description = serialized.get("description")
    if description:
        told[semconv.TOOL_DESCRIPTION] = str(description)
    if tool_call_id:
        told[semconv.TOOL_CALL_ID] = str(tool_call_id)
    if agent:
        told[semconv.AGENT_NAME] = agent
    conversation = conversation_id(metadata)
    if conversation:
        told[semconv.CONVERSATION_ID] = conversation
    return Start(semconv.span_name(semconv.EXECUTE_TOOL, str(name)), SpanKind.INTERNAL, told)


def tool_ended(output: Any, *, started: Start | None = None) -> Attributes:
    """What a tool's span says of its result: the call's id, where the start did not know it."""
    if started is not None and semconv.TOOL_CALL_ID in started.attributes:
        return {}
    call_id = getattr(output, "tool_call_id", None)
    return {semconv.TOOL_CALL_ID: call_id} if isinstance(call_id, str) and call_id else {}
