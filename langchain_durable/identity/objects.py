"""What an object of a class that we do not know holds, if it is data and nothing else.

An order, an array or a table of pandas is what it holds. A client or a pool is not: what it
holds changes with every call that is made, and with every call that is replayed. What tells
them apart is that the latter hold something which cannot be written down: a lock, a socket, a
thread, a weak reference.
"""

from __future__ import annotations

import copyreg
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import ormsgpack

UNKNOWN = object()
"""What the caller's ``known`` says of a value that it leaves to us."""

_PLAIN = (str, int, float, bool, type(None), bytes)
_MOST = 5_000
_DEEPEST = 50
_MACHINERY = ("langchain", "langgraph", "langsmith")
"""Packages whose objects are stores, graphs and models, not a program's data."""


class NotData(Exception):
    """An object holds what is no data, or too much of it."""


class Walk:
    """One walk through an object: plain data, the same in every process.

    ``known`` turns a value that the caller knows into something plainer, or says ``UNKNOWN``.
    An object that is met again counts by when it was met first.
    """

    def __init__(self, known: Callable[[Any], Any]) -> None:
        self._known = known
        self._met: dict[int, tuple[int, Any]] = {}  # the objects too: no other can have their id

    def plain(self, value: Any, depth: int = _DEEPEST) -> Any:
        """The value as plain data. Raises ``NotData``."""
        if type(value) in _PLAIN or isinstance(value, ormsgpack.Ext):
            return value
        if id(value) in self._met:
            return ["met", self._met[id(value)][0]]
        if not depth or len(self._met) == _MOST:
            raise NotData
        self._met[id(value)] = (len(self._met), value)
        return self._spelled(value, depth - 1)

    def _spelled(self, value: Any, depth: int) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.plain(item, depth) for item in value]
        if isinstance(value, Mapping):
            return ["map", *self._sorted(value.items(), depth)]
        if isinstance(value, (set, frozenset)):
            return ["set", *self._sorted(value, depth)]
        found = self._known(value)
        if found is UNKNOWN:
            return [_name(type(value)), *(self.plain(part, depth) for part in _parts(value))]
        return self.plain(found, depth)

    def _sorted(self, items: Any, depth: int) -> list[Any]:
        # In the order that they come in: a set's is another one in each process.
        return sorted((self.plain(item, depth) for item in items), key=_order)


def _order(value: Any) -> bytes:
    return ormsgpack.packb(value, repr, ormsgpack.OPT_PASSTHROUGH_BIG_INT)


def _parts(value: Any) -> Iterator[Any]:
    """What an object is made of. Raises ``NotData``."""
    if isinstance(value, (type, BuiltinFunctionType, ModuleType)):
        yield _name(value)
    elif isinstance(value, FunctionType):
        yield _name(value)
        yield from (value.__defaults__, value.__kwdefaults__)
        yield [cell.cell_contents for cell in value.__closure__ or ()]
    elif isinstance(value, MethodType):
        yield from (_name(value.__func__), value.__self__)
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif type(value).__module__.partition(".")[0].startswith(_MACHINERY):
        raise NotData
    elif _is_table(value):
        yield from _of_table(value)
    elif hasattr(value, "__dict__"):
        # By name only what is there: a proxy would make a call of any other attribute.
        yield from (vars(value), _slots(value))
        if isinstance(value, BaseException):
            yield value.args
    else:
        yield from _reduced(value)


def _is_table(value: Any) -> bool:
    """Is this a frame, a series or an index? pandas is not imported for the question."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return False
    # A proxy may do anything when it is asked for its class.
    return issubclass(type(value), (pandas.DataFrame, pandas.Series, pandas.Index))


def _of_table(value: Any) -> Iterator[Any]:
    """What a table holds, by pandas' own digests of its rows. Its attributes are how it keeps
    that, which changes as it is read, and with weak references beside."""
    rows = sys.modules["pandas"].util.hash_pandas_object(value)
    yield from (type(value).__name__, rows.to_numpy())
    if hasattr(value, "columns"):
        yield from (list(value.columns), [str(kind) for kind in value.dtypes])
    else:
        yield from (value.name, str(value.dtype))


def _slots(value: Any) -> list[Any]:
    """The attributes that are not in the object's ``__dict__``."""
    slots = (cls.__dict__.get("__slots__", ()) for cls in type(value).__mro__)
    names = [name for found in slots for name in ((found,) if isinstance(found, str) else found)]
    return [[name, getattr(value, name)] for name in names if _is_set(value, name)]


def _is_set(value: Any, name: str) -> bool:
    return name not in ("__dict__", "__weakref__") and hasattr(value, name)


def _reduced(value: Any) -> Iterator[Any]:
    """The parts of an object without a ``__dict__``, as pickle would take them."""
    reducer = copyreg.dispatch_table.get(type(value))
    reduced = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    for part in reduced[1:] if isinstance(reduced, tuple) else (reduced,):
        yield list(part) if isinstance(part, Iterator) else part


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', value.__name__)}"
