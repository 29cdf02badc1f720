"""Values of the standard library that msgpack does not know. Codes 1 to 31."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from pathlib import Path, PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from langchain_core.messages import BaseMessage
from langchain_core.runnables.utils import AddableDict
from pydantic_core import TzInfo

from langchain_durable.codec.forms import Form, Refused, expect

# What a message's ``text`` is: a str subclass that is easily returned from a tool.
TextAccessor: type[str] = type(BaseMessage(content="", type="").text)


def _int_out(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _int_in(plain: Any) -> int:
    return int.from_bytes(expect(plain, bytes), "big", signed=True)


def _pairs_out(value: dict[Any, Any]) -> list[Any]:
    return [item for pair in value.items() for item in pair]


def _pairs_in(plain: Any) -> Any:
    items = iter(expect(plain, list))
    return zip(items, items, strict=True)


def _datetime_out(value: dt.datetime) -> list[Any]:
    return [value.replace(tzinfo=None).isoformat(), value.fold, value.tzinfo]


def _datetime_in(plain: Any) -> dt.datetime:
    text, fold, zone = expect(plain, list)
    return dt.datetime.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _time_out(value: dt.time) -> list[Any]:
    return [value.replace(tzinfo=None).isoformat(), value.fold, value.tzinfo]


def _time_in(plain: Any) -> dt.time:
    text, fold, zone = expect(plain, list)
    return dt.time.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _delta_out(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _delta_in(plain: Any) -> dt.timedelta:
    days, seconds, microseconds = expect(plain, list)
    return dt.timedelta(days, seconds, microseconds)


def _offset_out(value: dt.tzinfo) -> list[Any]:
    offset = value.utcoffset(None)
    if offset is None:
        raise Refused("is a time zone without an offset")
    name = value.tzname(None)
    return [_delta_out(offset), name if name != dt.timezone(offset).tzname(None) else None]


def _offset_in(plain: Any) -> dt.timezone:
    delta, name = expect(plain, list)
    offset = _delta_in(delta)
    return dt.timezone(offset) if name is None else dt.timezone(offset, name)


def _zone_out(value: ZoneInfo) -> str:
    if not value.key:
        raise Refused("is a ZoneInfo without a key")
    return value.key


def _pattern_out(value: re.Pattern[Any]) -> list[Any]:
    return [value.pattern, value.flags & ~int(re.DEBUG)]


def _pattern_in(plain: Any) -> re.Pattern[Any]:
    pattern, flags = expect(plain, list)
    return re.compile(expect(pattern, str, bytes), expect(flags, int) & ~int(re.DEBUG))


def _deque_out(value: deque[Any]) -> list[Any]:
    return [value.maxlen, *value]


def _deque_in(plain: Any) -> deque[Any]:
    maxlen, *items = expect(plain, list)
    return deque(items, maxlen)


_FACTORIES: dict[str, Any] = {
    kind.__name__: kind for kind in (list, dict, set, int, float, str, bool)
}


def _default_out(value: defaultdict[Any, Any]) -> list[Any]:
    factory = value.default_factory
    if factory is None:
        return [None, *_pairs_out(value)]
    name = getattr(factory, "__name__", "")
    if _FACTORIES.get(name) is not factory:
        raise Refused(f"is a defaultdict whose factory is {name or factory!r}")
    return [name, *_pairs_out(value)]


def _default_in(plain: Any) -> defaultdict[Any, Any]:
    name, *pairs = expect(plain, list)
    return defaultdict(None if name is None else _FACTORIES[name], _pairs_in(pairs))


_TUPLE = Form(code=1, take=list, give=lambda plain: tuple(expect(plain, list)))
_OFFSET = Form(code=11, take=_offset_out, give=_offset_in)
_PATH = Form(code=15, take=str, give=lambda plain: Path(expect(plain, str)))

FORMS: dict[type, Form] = {
    tuple: _TUPLE,
    set: Form(code=2, take=list, give=lambda plain: set(expect(plain, list))),
    frozenset: Form(code=3, take=list, give=lambda plain: frozenset(expect(plain, list))),
    # The next three are reached only by what msgpack cannot say: an int of more than 64
    # bits, a lone surrogate, a key that is not a str.
    int: Form(code=4, take=_int_out, give=_int_in),
    str: Form(
        code=5,
        take=lambda value: value.encode("utf-8", "surrogatepass"),
        give=lambda plain: expect(plain, bytes).decode("utf-8", "surrogatepass"),
    ),
    dict: Form(code=6, take=_pairs_out, give=lambda plain: dict(_pairs_in(plain))),
    dt.datetime: Form(code=7, take=_datetime_out, give=_datetime_in),
    dt.date: Form(code=8, take=dt.date.isoformat, give=dt.date.fromisoformat),
    dt.time: Form(code=9, take=_time_out, give=_time_in),
    dt.timedelta: Form(code=10, take=_delta_out, give=_delta_in),
    dt.timezone: _OFFSET,
    TzInfo: _OFFSET,
    ZoneInfo: Form(code=12, take=_zone_out, give=lambda plain: ZoneInfo(expect(plain, str))),
    UUID: Form(code=13, take=lambda value: value.bytes, give=lambda plain: UUID(bytes=plain)),
    Decimal: Form(code=14, take=str, give=lambda plain: Decimal(expect(plain, str))),
    PosixPath: _PATH,
    WindowsPath: _PATH,
    PurePosixPath: Form(code=16, take=str, give=PurePosixPath),
    PureWindowsPath: Form(code=17, take=str, give=PureWindowsPath),
    re.Pattern: Form(code=18, take=_pattern_out, give=_pattern_in),
    deque: Form(code=19, take=_deque_out, give=_deque_in),
    OrderedDict: Form(code=20, take=_pairs_out, give=lambda plain: OrderedDict(_pairs_in(plain))),
    defaultdict: Form(code=21, take=_default_out, give=_default_in),
    Counter: Form(code=22, take=_pairs_out, give=lambda plain: Counter(dict(_pairs_in(plain)))),
    AddableDict: Form(code=23, take=_pairs_out, give=lambda plain: AddableDict(_pairs_in(plain))),
    TextAccessor: Form(code=24, take=str, give=lambda plain: TextAccessor(expect(plain, str))),
}
