"""A program's result and what a paused one asks, as people want to see them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def interrupts(value: Any) -> Sequence[Any]:
    """The interrupts in a paused graph's result; none in any other result."""
    return (value.get("__interrupt__") or ()) if isinstance(value, dict) else ()


def questions(value: Any) -> str:
    """What a graph that is paused asks, a line for each interrupt; empty for any other result."""
    return "\n".join(f"asks {each.id}: {question(each.value)}" for each in interrupts(value))


def question(value: Any) -> str:
    """What an interrupt asks, as it is written: a text as it is, anything else as JSON."""
    from langchain_durable.jsonable import jsonable

    return value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)


def brief_result(value: Any) -> str:
    """What people want to see of a program's result: of a conversation, its last message."""
    if isinstance(value, dict) and value.get("messages"):
        last = value["messages"][-1]
        value = getattr(last, "text", last)
    text = getattr(value, "text", None)
    return str(text) if isinstance(text, str) and not isinstance(value, str) else str(value)
