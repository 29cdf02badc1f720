"""Exceptions in the journal: described when they happen, rebuilt when they are replayed."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator

from langchain_durable.errors import ReplayedError
from langchain_durable.events import ErrorInfo


def rebuild(info: ErrorInfo, *, run_id: str, step: str) -> Exception:
    """The recorded error again, of its own class if that is imported here already.

    Nothing is imported and no constructor is called, because both would execute what a
    record names. So attributes that the constructor sets are missing.
    """
    cls = _imported_class(info)
    if cls is None:
        return ReplayedError(
            run_id,
            step,
            f"it failed in an earlier attempt with {info.module}.{info.qualname}: {info.message}",
            expected="the same error again, so that the program takes the same way",
            came="a class that is not imported here",
            do="import it before the run resumes if your program catches it by its class",
        )
    try:
        exc = cls.__new__(cls)
        exc.args = (info.message,)
    except Exception:
        return ReplayedError(run_id, step, f"{info.module}.{info.qualname}: {info.message}")
    return exc


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
