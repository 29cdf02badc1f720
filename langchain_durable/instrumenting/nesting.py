"""Having what a program's own code begins in an agent or a chain stand below its span.

LangChain and LangGraph run such code in a copy of the context that is made for it. Only that copy
is changed: it ends with the code, so nothing has to be undone in a generator's reader, in another
thread, or after a call that was abandoned.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any

from langchain_durable.intercept.active import hook
from langchain_durable.intercept.install import OURS
from langchain_durable.touchpoints.child_context import with_child_contexts

Nest = Callable[[Context, Any], None]
Original = Callable[..., AbstractContextManager[Context]]


def install(nest: Callable[[Any, Context, Any], None]) -> None:
    """Call ``nest`` with the observer, if there is one, each such context and its config."""

    def wrap(module: Any) -> None:
        original = module.set_config_context
        if not hasattr(original, OURS):
            module.set_config_context = _nesting(original, nest)

    with_child_contexts(wrap)


def _nesting(original: Original, nest: Callable[[Any, Context, Any], None]) -> Original:
    @functools.wraps(original)
    def set_config_context(config: Any, *args: Any, **kwargs: Any) -> Any:
        made, observer = original(config, *args, **kwargs), hook.observer
        if observer is None:
            return made
        return _Nested(made, functools.partial(nest, observer), config)

    setattr(set_config_context, OURS, True)
    return set_config_context


class _Nested(AbstractContextManager[Context]):
    """The context that was made, once ``nest`` has seen it."""

    def __init__(self, made: AbstractContextManager[Context], nest: Nest, config: Any) -> None:
        self._made, self._nest, self._config = made, nest, config

    def __enter__(self) -> Context:
        context = self._made.__enter__()
        self._nest(context, self._config)
        return context

    def __exit__(self, *exc: Any) -> bool | None:
        return self._made.__exit__(*exc)
