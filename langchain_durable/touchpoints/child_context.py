"""The context that LangChain makes for what a call calls, and what it says of that call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from langchain_core.runnables.config import var_child_runnable_config
from wrapt import register_post_import_hook

CHILD_CONTEXTS = (
    "langchain_core.runnables.base",
    "langchain_core.runnables.fallbacks",
    "langgraph._internal._runnable",
)
"""Modules that run a call's own code in a context that their ``set_config_context`` makes."""


def with_child_contexts(hook: Callable[[Any], None]) -> None:
    """Call ``hook`` with each module that has such a function: now, or once it is imported.

    Tools have it too; their own spans are current in them. A release without it is no trouble:
    a program's spans stand beside its agents', then.
    """

    def imported(module: Any) -> None:
        if hasattr(module, "set_config_context"):
            hook(module)

    for name in CHILD_CONTEXTS:
        register_post_import_hook(imported, name)


def child_config() -> Mapping[str, Any]:
    """The config of the call that runs in this context; empty outside of calls."""
    return var_child_runnable_config.get() or {}


def parent_run_id() -> UUID | None:
    """LangChain's run id of the call that runs in this context."""
    found = getattr(child_config().get("callbacks"), "parent_run_id", None)
    return found if isinstance(found, UUID) else None
