"""Entry points that have no config, so that no call of them can name a run.

A model's ``generate`` and an AgentExecutor's ``iter`` are recorded inside of a run. Alone they are
not durable, and a wrapped runnable says so.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseLanguageModel

from langchain_durable.errors import DurableWarning
from langchain_durable.running.nesting import surrounding
from langchain_durable.running.parameters import parameters_of

Original = Callable[..., Any]


def without_config(cls: type) -> dict[str, Original]:
    """The entry points of a class that have no config, with a warning to who calls them alone."""
    names: tuple[str, ...] = ()
    if issubclass(cls, BaseLanguageModel):
        names = ("generate", "agenerate")
    elif any(base.__name__ == "AgentExecutor" for base in cls.__mro__):
        names = ("iter",)
    return {name: _warning(getattr(cls, name)) for name in names if hasattr(cls, name)}


def callbacks_in(original: Original, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The callbacks among a call's arguments that come after its input."""
    if "callbacks" in kwargs or not args:
        return kwargs.get("callbacks")
    place = parameters_of(original).index("callbacks") - 2
    return args[place] if place < len(args) else None


def _warning(original: Original) -> Original:
    @functools.wraps(original)
    def method(runnable: Any, *args: Any, **kwargs: Any) -> Any:
        if surrounding() is None:
            _warn_if_alone(original, callbacks_in(original, args[1:], kwargs))
        return original(runnable, *args, **kwargs)

    return method


def _warn_if_alone(original: Original, callbacks: Any) -> None:
    if surrounding({"callbacks": callbacks}) is None:
        warnings.warn(
            f"{original.__qualname__} has no config to name a run by, so this call is not durable. "
            "Call it inside of `with durable.run(run_id):`, or use invoke, stream or batch with "
            "durable.config(run_id).",
            DurableWarning,
            stacklevel=3,
        )
