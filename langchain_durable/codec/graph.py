"""LangGraph's commands, imported only once a program or a record uses them. Codes 64 to 79."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from langchain_durable.codec.forms import Form, expect
from langchain_durable.errors import MissingExtra

_MODULE = "langgraph.types"

# Attributes with their defaults; ... where there is none. The position is the code.
_CLASSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Send", {"node": ..., "arg": ..., "timeout": None}),
    ("Command", {"graph": None, "update": None, "resume": None, "goto": ()}),
    ("Interrupt", {"value": ..., "id": ..., "response_schema": None}),
    ("Overwrite", {"value": ...}),
    ("TimeoutPolicy", {"run_timeout": None, "idle_timeout": None, "refresh_on": "auto"}),
    ("GraphOutput", {"value": ..., "interrupts": ()}),
)
_CODES = {64 + place: row for place, row in enumerate(_CLASSES)}


def form_of(cls: type) -> Form | None:
    """The form of one of LangGraph's classes, None for any other class."""
    module = sys.modules.get(_MODULE)
    if module is None or cls.__module__ != _MODULE:
        return None
    for code, (name, attributes) in _CODES.items():
        if getattr(module, name, None) is cls:
            return _form(code, cls, attributes)
    return None


def form_for(code: int) -> Form | None:
    """The form with this code, None if the code is not one of LangGraph's."""
    if code not in _CODES:
        return None
    name, attributes = _CODES[code]
    try:
        import langgraph.types as module

        cls = getattr(module, name)
    except (ImportError, AttributeError) as exc:
        raise MissingExtra(
            f"A record holds a LangGraph {name}, and no langgraph that has it is installed.",
            expected=f"langgraph.types.{name}",
            came=str(exc),
            do="pip install -U langgraph",
        ) from exc
    return _form(code, cls, attributes)


def _form(code: int, cls: Callable[..., Any], attributes: dict[str, Any]) -> Form:
    def take(value: Any) -> dict[str, Any]:
        found = {name: getattr(value, name, default) for name, default in attributes.items()}
        return {
            name: item
            for name, item in found.items()
            if not (item is attributes[name] or (item == () == attributes[name]))
        }

    def give(plain: Any) -> Any:
        expect(plain, dict)
        if not plain.keys() <= attributes.keys():
            raise ValueError(f"{cls.__name__} has no attribute {plain.keys() - attributes.keys()}")
        return cls(**plain)

    return Form(code=code, take=take, give=give, name=".".__add__)
