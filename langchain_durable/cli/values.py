"""What a step was given and what it gave, as text for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_LINES = 6
_ROW = 500


def shown(value: Any) -> str:
    """A value as text: messages as who said what, documents as their text, the rest as JSON."""
    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage

    from langchain_durable.jsonable import jsonable

    if isinstance(value, str):
        return value
    if isinstance(value, BaseMessage):
        return _message(value)
    if isinstance(value, Document):
        return value.page_content
    if isinstance(value, dict) and _are_messages(value.get("messages")):
        rest = {key: item for key, item in value.items() if key != "messages"}
        said = shown(value["messages"])
        return f"{said}\n{shown(rest)}" if rest else said
    if isinstance(value, list) and value and all(isinstance(item, Document) for item in value):
        return "\n".join(f"[{number}] {shown(item)}" for number, item in enumerate(value, 1))
    if _are_messages(value):
        each = (f"{message.type}: {_message(message)}" for message in value)
        return "\n".join(one.replace("\n", "\n  ") for one in each)
    return json.dumps(jsonable(value), ensure_ascii=False, default=str)


def ending(result: Any) -> Any:
    """A result without what its steps have told: of a conversation, its last message."""
    if isinstance(result, dict) and _are_messages(result.get("messages")):
        return {**result, "messages": result["messages"][-1:]}
    return result


def _are_messages(value: Any) -> bool:
    from langchain_core.messages import BaseMessage

    return (
        isinstance(value, list) and bool(value) and all(isinstance(x, BaseMessage) for x in value)
    )


def _message(message: Any) -> str:
    asked = [f"→ {_call(call)}" for call in getattr(message, "tool_calls", None) or ()]
    said = str(message.text)
    if not said and message.content and not asked:
        said = json.dumps(message.content, ensure_ascii=False, default=str)
    return "\n".join(filter(None, (said, *asked)))


def _call(call: Any) -> str:
    arguments = call.get("args") or {}
    if not isinstance(arguments, dict):
        return f"{call.get('name')}({arguments})"
    given = (
        f"{key}={json.dumps(v, ensure_ascii=False, default=str)}" for key, v in arguments.items()
    )
    return f"{call.get('name')}({', '.join(given)})"


def clean_lines(text: str, *, full: bool, width: int) -> Sequence[str]:
    """The text's lines without control characters; unless ``full``, the first of them, cut."""
    lines = [
        "".join(c if c.isprintable() else "?" for c in line.expandtabs())
        for line in text.splitlines()
    ] or [""]
    if full:
        return lines
    room = max(20, min(width, _ROW))
    cut = [line if len(line) <= room else line[: room - 1] + "…" for line in lines[:_LINES]]
    left = len(lines) - len(cut)
    return [*cut, f"… {left} more line{'' if left == 1 else 's'}"] if left else cut
