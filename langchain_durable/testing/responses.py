"""OpenAI's responses API on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_durable.testing.script import Answer, Prompt, as_text
from langchain_durable.testing.sse import Reply, pieces, sse


def read(body: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The messages in a request, in the shape of chat completions."""
    asked = body.get("input", "")
    if isinstance(asked, str):
        return ({"role": "user", "content": asked},)
    messages: list[dict[str, Any]] = []
    for item in asked:
        if item.get("type") == "function_call_output":
            messages.append({"role": "tool", "content": as_text(item.get("output", ""))})
        elif item.get("type") == "function_call":
            messages.append({"role": "assistant", "content": "", "tool_calls": [item]})
        elif "role" in item:
            messages.append({"role": item["role"], "content": item.get("content", "")})
    return tuple(messages)


def write(prompt: Prompt, answer: Answer, number: int, created: int) -> Reply:
    """The answer as a response, or as the events of one."""
    items = _items(answer, number)
    response = {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": created,
        "model": prompt.model,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": items,
        "usage": _usage(answer),
    }
    if not prompt.stream:
        return Reply(body=json.dumps(response).encode())
    events: list[dict[str, Any]] = [
        {
            "type": "response.created",
            "response": {**response, "status": "in_progress", "output": [], "usage": None},
        }
    ]
    for index, item in enumerate(items):
        events += _item_events(index, item)
    events.append({"type": "response.completed", "response": response})
    written = [
        sse({**event, "sequence_number": order}, event["type"])
        for order, event in enumerate(events)
    ]
    return Reply(head=tuple(written[:-1]), tail=(written[-1],))


def _usage(answer: Answer) -> dict[str, int | dict[str, int]]:
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


def _items(answer: Answer, number: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if answer.text or not answer.calls:
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        message = {"type": "message", "id": f"msg_{number}", "role": "assistant"}
        items.append({**message, "status": "completed", "content": content})
    items.extend(
        {
            "type": "function_call",
            "id": f"fc_{call.id}",
            "call_id": call.id,
            "name": call.name,
            "arguments": json.dumps(call.args),
            "status": "completed",
        }
        for call in answer.calls
    )
    return items


def _item_events(index: int, item: Mapping[str, Any]) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        name = "response.function_call_arguments"
        middle = [
            {"type": f"{name}.delta", **place, "delta": item["arguments"]},
            {"type": f"{name}.done", **place, "arguments": item["arguments"]},
        ]
        blank = {**item, "arguments": "", "status": "in_progress"}
    else:
        part = item["content"][0]
        at = {**place, "content_index": 0}
        deltas = [
            {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
            for piece in pieces(part["text"])
        ]
        middle = [
            {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
            *deltas,
            {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
        ]
        blank = {**item, "content": [], "status": "in_progress"}
    added = {"type": "response.output_item.added", "output_index": index, "item": blank}
    done = {"type": "response.output_item.done", "output_index": index, "item": item}
    return [added, *middle, done]
