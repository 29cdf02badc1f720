"""Values as JSON within a number of bytes: cut where they are long, and still valid JSON."""

from __future__ import annotations

import json
from typing import Any

from langchain_durable.plain import utf8

_LENGTHS = (16_384, 4_096, 1_024, 256, 64)


def to_json(value: Any) -> str:
    """Compact JSON in ASCII, so that its length is its bytes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def fitted(value: Any, budget: int) -> tuple[Any, int]:
    """The value as it fits into ``budget`` bytes of JSON, and how many bytes were left out.

    Long texts are cut first, evenly; then the oldest items of a list go, because the last
    message is what a call is about. What fits in no way is None.
    """
    whole = len(to_json(value))
    if whole <= budget:
        return value, 0
    for length in _LENGTHS:
        value = _shortened(value, length)
        size = len(to_json(value))
        if size <= budget:
            return value, max(1, whole - size)
    if isinstance(value, list):
        kept = _newest(value, budget)
        if kept:
            return kept, max(1, whole - len(to_json(kept)))
    return None, whole


def sendable(value: Any) -> Any:
    """What JSON has no trouble with, and an exporter cannot write, as texts: with one such value
    it would lose all that it has at hand."""
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, list):
        return [sendable(item) for item in value]
    if isinstance(value, dict):
        return {utf8(key): sendable(item) for key, item in value.items()}
    if type(value) is int and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def fitted_text(text: str, budget: int) -> tuple[str, int]:
    """A text that is no JSON, cut to ``budget`` bytes of UTF-8; what is not UTF-8 is spelled."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= budget:
        return data.decode(), 0
    return data[:budget].decode("utf-8", "ignore"), len(data) - budget


def _shortened(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= length else f"{value[:length]}[+{len(value) - length}]"
    if isinstance(value, list):
        return [_shortened(item, length) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item, length) for key, item in value.items()}
    return value


def _newest(items: list[Any], budget: int) -> list[Any]:
    size, kept = 1, 0
    for item in reversed(items):
        size += len(to_json(item)) + 1
        if size > budget:
            break
        kept += 1
    return items[len(items) - kept :]
