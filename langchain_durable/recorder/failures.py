"""Exceptions in the journal: described when they happen, rebuilt when they are replayed."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from types import MemberDescriptorType
from typing import Any, TypeVar

from langchain_durable.errors import ReplayedError
from langchain_durable.events import ErrorInfo
from langchain_durable.spans.outcomes import describe

KEPT_BYTES = 4096
"""The most that the parts of one error take in the journal, beside its class and message."""

ARGS = ""
NOTES = "__notes__"
LOST = "-"
"""The names of attributes that the journal could not keep."""
UNLIKE = "!"
"""There if what the journal could keep does not make the same error again."""
CHUNKS = "+"
"""The chunks that a stream had given when it failed."""

Kept = Mapping[str, Any]
"""Parts of an error: its ``args``, its notes, and its public attributes by their names."""

_E = TypeVar("_E", bound=BaseException)
_FIELDS_OF_C = (UnicodeDecodeError, UnicodeEncodeError)
_NOT_SAID = {"obj"}
"""An ``AttributeError`` holds the whole object that lacks the attribute; nobody gave it that."""


def keep(exc: BaseException, info: ErrorInfo, size: Callable[[Any], int]) -> Kept:
    """What :func:`rebuild` needs of an error beside ``info``; empty for most.

    ``size`` gives the bytes that a value takes in the journal, 0 if it cannot stand there, as an
    HTTP response cannot. The small parts come first, until there is no more room.
    """
    parts = _parts(exc, info)
    sizes = {name: size(value) for name, value in parts.items()}
    kept: dict[str, Any] = {}
    lost, room = [], KEPT_BYTES
    for name in sorted(parts, key=sizes.__getitem__):
        if 0 < sizes[name] <= room:
            kept[name] = parts[name]
            room -= sizes[name]
        else:
            lost.append(name or "args")
    if lost:
        kept[LOST] = lost[:32]
    return kept if _alike(exc, info, kept) else {UNLIKE: True}


def _parts(exc: BaseException, info: ErrorInfo) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    args = exc.args
    if not (len(args) == 1 and type(args[0]) is str and args[0] == info.message):
        parts[ARGS] = list(args)
    for name in _members(type(exc)):
        value = getattr(exc, name, None)
        if value is not None:
            parts[name] = value
    parts.update({name: value for name, value in vars(exc).items() if _is_public(name)})
    if vars(exc).get(NOTES):
        parts[NOTES] = [str(note) for note in exc.__notes__]
    return parts


def _members(cls: type) -> dict[str, Any]:
    """Attributes that stand outside of ``__dict__``: those of exceptions in C, and slots."""
    if issubclass(cls, UnicodeError):
        return {}
    return {
        name: member
        for base in cls.__mro__
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType) and _is_public(name) and name not in _NOT_SAID
    }


def _is_public(name: Any) -> bool:
    return type(name) is str and name.isidentifier() and not name.startswith("_")


def _alike(exc: BaseException, info: ErrorInfo, kept: Kept) -> bool:
    try:
        return describe(_made(type(exc), info, kept)) == info
    except Exception:
        return False


def rebuild(info: ErrorInfo, kept: Kept) -> Exception | None:
    """The recorded error again; None if its class is not here, or it would not be the same.

    Nothing is imported and no constructor is called, because both would execute what a
    record names.
    """
    cls = _imported_class(info)
    if cls is None or UNLIKE in kept:
        return None
    try:
        exc = _made(cls, info, kept)
        if LOST in kept:
            names = ", ".join(kept[LOST])
            exc.add_note(f"Replayed by langchain-durable; not in its journal: {names}")
    except Exception:
        return None
    return exc


def _made(cls: type[_E], info: ErrorInfo, kept: Kept) -> _E:
    exc = cls.__new__(cls)
    exc.args = tuple(kept.get(ARGS, (info.message,)))
    if isinstance(exc, _FIELDS_OF_C):
        _fill(exc)
    members = _members(cls)
    for name, value in kept.items():
        if name in members:
            members[name].__set__(exc, value)
        elif _is_public(name):
            vars(exc)[name] = value
    for note in kept.get(NOTES, ()):
        exc.add_note(note)
    return exc


def _fill(exc: Any) -> None:
    """Set the fields that the text is made from, as only their own class in C can.

    It trusts the place that it is told, and would read beyond the end of what it stands in.
    """
    _, text, start, end, _ = exc.args
    if 0 <= start < end <= len(text):
        base = next(cls for cls in _FIELDS_OF_C if isinstance(exc, cls))
        base.__init__(exc, *exc.args)


def stand_in(info: ErrorInfo, *, run_id: str, step: str) -> ReplayedError:
    """What is raised for a recorded error that cannot be rebuilt here."""
    came, do = (
        ("a class that is not imported here", "import it before the run resumes")
        if is_missing(info)
        else (
            "an error that what the journal keeps of it does not make again",
            "raise one whose class stands at the top level of a module, and whose text is made "
            "of its args and its public attributes, plain data",
        )
    )
    return ReplayedError(
        run_id,
        step,
        f"it failed in an earlier attempt with {info.module}.{info.qualname}: {info.message}",
        expected="the same error again, so that the program takes the same way",
        came=came,
        do=f"{do}, if your program catches it by its class",
    )


def is_missing(info: ErrorInfo) -> bool:
    """Could the error's class be imported, and is not?"""
    return "<locals>" not in info.qualname and _imported_class(info) is None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception with all that led to it: causes, contexts and members of groups."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        exc = waiting.pop()
        if exc is None or id(exc) in seen:
            continue
        seen.add(id(exc))
        yield exc
        waiting += [exc.__cause__, exc.__context__]
        if isinstance(exc, BaseExceptionGroup):
            waiting += exc.exceptions


def _imported_class(info: ErrorInfo) -> type[Exception] | None:
    found: object = builtins if info.module == "builtins" else sys.modules.get(info.module)
    for part in info.qualname.split("."):
        # vars, not getattr: a module's own __getattr__ may import what it is asked for
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    if isinstance(found, type) and issubclass(found, Exception):
        return found
    return None
