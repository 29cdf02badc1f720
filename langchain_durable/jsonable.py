"""Values as JSON that people read. Lossy by design: nothing is ever resumed from it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue
from pydantic import BaseModel

_MAX_DEPTH = 50
_MOST_BITS = 2048
"""Of an int. Python writes no number down whose digits are as many as 640, if it is so told."""

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}


def jsonable(value: Any, depth: int = _MAX_DEPTH) -> Any:
    """What ``json.dumps`` takes: bytes as their length, objects as their fields or class."""
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, int) and not isinstance(value, Enum):
        return value if value.bit_length() <= _MOST_BITS else f"<{value.bit_length()} bits>"
    if isinstance(value, float) and not isinstance(value, Enum):
        return value if math.isfinite(value) else str(value)
    if depth <= 0:
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping):
        return {_key(key): jsonable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item, depth - 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((jsonable(item, depth - 1) for item in value), key=str)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    return _object(value, depth - 1)


def _key(key: Any) -> str:
    return key if type(key) is str else str(jsonable(key))


def _object(value: Any, depth: int) -> Any:
    if isinstance(value, BaseMessage):
        return _message(value, depth)
    if isinstance(value, Document):
        return {"page_content": value.page_content, "metadata": jsonable(value.metadata, depth)}
    if isinstance(value, PromptValue):
        return [_message(message, depth) for message in value.to_messages()]
    if isinstance(value, Enum):
        return jsonable(value.value, depth)
    if isinstance(value, BaseModel):
        return {key: jsonable(item, depth) for key, item in value.__dict__.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: jsonable(getattr(value, name, None), depth) for name in names}
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if type(value).__module__ in ("uuid", "decimal", "datetime") or hasattr(value, "__fspath__"):
        return str(value)
    return f"<{type(value).__name__}>"


def _message(message: BaseMessage, depth: int) -> dict[str, Any]:
    role = getattr(message, "role", None) or _ROLES.get(message.type, message.type)
    rendered = {"role": role, "content": jsonable(message.content, depth)}
    for name in ("name", "tool_call_id", "tool_calls"):
        item = getattr(message, name, None)
        if item:
            rendered[name] = jsonable(item, depth)
    if getattr(message, "status", "success") != "success":
        rendered["status"] = jsonable(getattr(message, "status", None), depth)
    return rendered
