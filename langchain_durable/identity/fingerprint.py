"""What makes two inputs of a step the same: 8 bytes that agree across processes and releases.

Messages count by type, content, tool calls, name, tool call id and status; their ids,
UUIDs in the ids of tool calls, metadata and usage are random or vary from call to call, and are
left out. What LangChain injects beside an input (``config``, ``callbacks``, ``run_manager``,
``runtime``, ``store``) is left out too, which is told by its class and not by the name alone.
Objects of other classes count by what they hold if that is data, such as an order's fields or an
array's numbers, and else by the name of their class.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from pathlib import PurePath
from typing import Any
from uuid import UUID

import ormsgpack
from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from pydantic import BaseModel

from langchain_durable.identity.message_digests import MessageDigests, is_message
from langchain_durable.identity.objects import UNKNOWN, Walk

_SIZE = 8
_MAX_DEPTH = 100

_OPTIONS = (
    ormsgpack.OPT_SORT_KEYS
    | ormsgpack.OPT_PASSTHROUGH_BIG_INT
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
_MESSAGE, _MESSAGES, _SET, _MAP, _NUMBER, _TEXT, _NAMED, _CLASS, _OBJECT = range(9)

_NAMED_CLASSES = (dt.date, dt.time, dt.timedelta, dt.tzinfo, UUID, Decimal, PurePath)
_INJECTORS = frozenset(("langchain", "langchain_core", "langgraph", "langgraph_sdk"))
_EMPTIED = (str, int, float, bool, bytes, dict, list, tuple)
_PLAIN = frozenset((str, int, float, bool, type(None), bytes, dict))
_INJECTED = frozenset(("config", "callbacks", "run_manager", "runtime", "store"))
_INJECTED_MARKS = tuple(bytes((0xA0 + len(key),)) + key.encode() for key in sorted(_INJECTED))
_CONFIG_KEYS = frozenset(
    (
        *("tags", "metadata", "callbacks", "run_name", "max_concurrency"),
        *("recursion_limit", "configurable", "run_id"),
    )
)
_CONFIG_MARKS = frozenset(("callbacks", "configurable", "recursion_limit"))
"""One of them is in every config that LangChain injects; tags alone may be the program's."""


def fingerprint(value: Any) -> bytes:
    """8 bytes for an input: equal for the same input in another process, after a crash."""
    return blake2b(_pack(_shape(value)), digest_size=_SIZE).digest()


def fingerprint_keys(value: Any) -> dict[str, bytes]:
    """A fingerprint for each key of a dict, to name the one that differs; else ``{"": ...}``."""
    if not isinstance(value, dict):
        return {"": fingerprint(value)}
    return {
        str(key): fingerprint(item) for key, item in value.items() if not _is_injected(key, item)
    }


def forget() -> None:
    """Let go of all remembered messages."""
    _digests.forget()


def _shape(value: Any) -> Any:
    """The value with its lists of messages, where inputs have them, replaced by digests."""
    if type(value) is dict:
        return {key: _shape_item(item) for key, item in value.items()}
    return _shape_item(value)


def _shape_item(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list or kind is tuple:
        if not value or type(value[0]) in _PLAIN:
            return value
        if is_message(value[0]):
            digest = _digests.of_all(value)
            return value if digest is None else ormsgpack.Ext(_MESSAGES, digest)
        if type(value[0]) is list and value[0] and is_message(value[0][0]):
            return [_shape_item(item) for item in value]
        return value
    if isinstance(value, PromptValue):
        return _shape_item(_messages_of(value))
    return value


def _messages_of(prompt: PromptValue) -> Sequence[BaseMessage]:
    return list(prompt.messages if isinstance(prompt, ChatPromptValue) else prompt.to_messages())


def _pack(value: Any, marks: Sequence[bytes] = _INJECTED_MARKS) -> bytes:
    """Canonical bytes. The quick way, unless something has to be left out or spelled out."""
    try:
        packed = ormsgpack.packb(value, _reduce, _OPTIONS)
    except TypeError:
        return _pack_slowly(value)
    for mark in marks:
        if mark in packed:
            return _pack_slowly(value)
    return packed


def _pack_slowly(value: Any) -> bytes:
    return ormsgpack.packb(_spell(value, (), _MAX_DEPTH), None, _OPTIONS)


def _reduce(value: Any) -> Any:
    """One step from an object towards plain data."""
    known = _known(value)
    return _of_object(value) if known is UNKNOWN else known


def _known(value: Any) -> Any:
    if is_message(value):
        return ormsgpack.Ext(_MESSAGE, _digests.of(value))
    if isinstance(value, PromptValue):
        return _messages_of(value)
    if isinstance(value, BaseModel):
        fields = {key: value.__dict__.get(key) for key in type(value).model_fields}
        return fields | (getattr(value, "__pydantic_extra__", None) or {})
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return ormsgpack.Ext(_SET, b"".join(sorted(map(_pack, value))))
    if isinstance(value, (tuple, deque)):
        return list(value)
    if isinstance(value, int):
        # Python makes no decimal digits of a number with more than 4,300.
        digits = b"%d" if value.bit_length() < 14_000 else b"%x"
        return ormsgpack.Ext(_NUMBER, digits % value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        return ormsgpack.Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
    if isinstance(value, _NAMED_CLASSES):
        text = f"{type(value).__name__}:{value}"  # a path need not be UTF-8
        return ormsgpack.Ext(_NAMED, text.encode("utf-8", "surrogatepass"))
    return UNKNOWN


def _of_object(value: Any) -> ormsgpack.Ext:
    cls = type(value)
    try:
        held = ormsgpack.packb(Walk(_known).plain(value), _reduce, _OPTIONS)
    except Exception:  # it is no data, or its own code raised
        return ormsgpack.Ext(_CLASS, f"{cls.__module__}.{cls.__qualname__}".encode())
    return ormsgpack.Ext(_OBJECT, blake2b(held, digest_size=_SIZE).digest())


def _pack_message(fields: Any) -> bytes:
    return _pack(fields, marks=())  # nothing in a message is injected


_digests = MessageDigests(_pack_message)


def _spell(value: Any, above: tuple[int, ...], depth: int) -> Any:
    """Plain data, with every level walked: what is injected is left out, a value that contains
    itself counts by its class from there on."""
    if value is None or isinstance(value, (bool, float, bytes, ormsgpack.Ext)):
        return value
    if isinstance(value, int) and not isinstance(value, Enum):
        return int(value) if -(2**63) <= value < 2**64 else _reduce(value)
    if isinstance(value, str) and not isinstance(value, Enum):
        return str(value) if _is_text(value) else _reduce(value)
    if id(value) in above or not depth:
        return ormsgpack.Ext(_CLASS, type(value).__qualname__.encode())
    above = (*above, id(value))
    if isinstance(value, dict):
        return _spell_dict(value, above, depth - 1)
    if isinstance(value, (list, tuple, deque)):
        return [_spell(item, above, depth - 1) for item in value]
    return _spell(_reduce(value), above, depth - 1)


def _spell_dict(value: dict[Any, Any], above: tuple[int, ...], depth: int) -> Any:
    spelled = {
        key: _spell(item, above, depth)
        for key, item in value.items()
        if not _is_injected(key, item)
    }
    if all(isinstance(key, str) and _is_text(key) for key in spelled):
        return {str(key): item for key, item in spelled.items()}
    pairs = [
        ormsgpack.packb([_spell(key, above, depth), item], None, _OPTIONS)
        for key, item in spelled.items()
    ]
    return ormsgpack.Ext(_MAP, b"".join(sorted(pairs)))


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_injected(key: Any, value: Any) -> bool:
    """Whether LangChain put this beside the input. Anything else under such a name, such as
    ``{"store": "Berlin"}`` or an object of the program's, is the program's own and counts."""
    if key not in _INJECTED:
        return False
    if value is None or (isinstance(value, _EMPTIED) and not value):
        return True
    if key == "config" and isinstance(value, dict):
        return value.keys() <= _CONFIG_KEYS and not value.keys().isdisjoint(_CONFIG_MARKS)
    if isinstance(value, (list, tuple)):
        return any(map(_is_machinery, value))
    return _is_machinery(value)


def _is_machinery(value: Any) -> bool:
    """Whether this is a store, a runtime, a callback handler or the like. A program's own are of
    classes that LangChain's or LangGraph's are bases of; its messages and documents are data."""
    if isinstance(value, BaseModel):
        return False
    return any(cls.__module__.partition(".")[0] in _INJECTORS for cls in type(value).__mro__)
