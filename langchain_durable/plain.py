"""Data that is plain: what msgpack, JSON and a span's attribute can say of anything."""

from __future__ import annotations

from typing import Any

_DEEPEST = 16
_LONGEST = 4096
_LEAST, _MOST = -(2**63), 2**64 - 1


def utf8(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot say, written out as ``\\udc80``."""
    return text.encode("utf-8", "backslashreplace").decode()


def plain(value: Any, depth: int = _DEEPEST) -> Any:
    """The same as far as it is plain; the rest as its text, cut where it is long.

    Never raises. Tuples become lists, and keys texts.
    """
    if value is None or isinstance(value, (bool, float, bytes)):
        return value
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, int) and _LEAST <= value <= _MOST:
        return int(value)
    if isinstance(value, (list, tuple)) and depth > 0:
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, dict) and depth > 0:
        return {_text(key): plain(item, depth - 1) for key, item in value.items()}
    return _text(value)


def _text(value: Any) -> str:
    try:
        return utf8(str(value)[:_LONGEST])
    except Exception:  # of the value's own class; and Python makes no text of a huge int
        return f"<{type(value).__name__}>"
