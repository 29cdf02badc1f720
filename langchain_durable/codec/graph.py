"""LangGraph's commands. Codes 64 to 79."""

from __future__ import annotations

from typing import Any

from langchain_durable.codec.forms import Form, expect
from langchain_durable.codec.late import LateClasses

_CLASSES: dict[str, dict[str, Any]] = {
    "Send": {"node": ..., "arg": ..., "timeout": None},
    "Command": {"graph": None, "update": None, "resume": None, "goto": ()},
    "Interrupt": {"value": ..., "id": ..., "response_schema": None},
    "Overwrite": {"value": ...},
    "TimeoutPolicy": {"run_timeout": None, "idle_timeout": None, "refresh_on": "auto"},
    "GraphOutput": {"value": ..., "interrupts": ()},
}
"""Attributes with their defaults; ... where there is none."""
_LATE = LateClasses("langgraph.types", [*_CLASSES], first=64, package="langgraph")


def form_of(cls: type) -> Form | None:
    """The form of one of LangGraph's classes, None for any other class."""
    code = _LATE.code_of(cls)
    return None if code is None else _form(code, cls)


def form_for(code: int) -> Form | None:
    """The form with this code, None if the code is not one of LangGraph's."""
    cls = _LATE.with_code(code)
    return None if cls is None else _form(code, cls)


def _form(code: int, cls: type) -> Form:
    attributes = _CLASSES[cls.__name__]

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
