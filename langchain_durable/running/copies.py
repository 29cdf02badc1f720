"""Copies of wrapped runnables: made in the process, and refused where they would leave it."""

from __future__ import annotations

import copyreg
from typing import Any, NoReturn

from langchain_durable.errors import ConfigurationError


def reduce_ex(runnable: Any, protocol: int) -> Any:
    """``__reduce_ex__`` of a wrapped class, which ``copy`` and ``pickle`` ask alike."""
    cls = type(runnable)
    reduced: Any = object.__reduce_ex__(runnable, protocol)
    function, args, *rest = reduced
    if function is copyreg.__newobj__ and args[0] is cls:  # type: ignore[attr-defined]  # undocumented
        return (_new, (_Here(cls), *args[1:]), *rest)
    return (function, args, *rest)


def _new(here: _Here, *args: Any) -> Any:
    return here.cls.__new__(here.cls, *args)


class _Here:
    """A wrapped class on its way into a copy. It has a handle, with connections and keys."""

    def __init__(self, cls: type) -> None:
        self.cls = cls

    def __deepcopy__(self, memo: Any) -> _Here:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError(
            f"A wrapped {self.cls.__name__} cannot be pickled: its handle has connections.",
            expected="the runnable as it was before it was wrapped",
            came="what durable.wrap gave",
            do="pickle the runnable, and wrap it in the process that calls it",
        )
