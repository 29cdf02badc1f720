"""Retried runnables, which LangChain reports as a chain around each try, but not when they stream.

A call is to have the same place in both, so that a run can go on in another mode. That a chain is
a retried one cannot be seen from its callbacks: it has the name of what it retries.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from langchain_durable.intercept.tracker import PathTracker


def telling_of_tries(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of what makes the tries, of one input or of a batch."""

    @functools.wraps(original)
    def method(retry: Any, inputs: Any, run_manager: Any, config: Any, **kwargs: Any) -> Any:
        managers = run_manager if isinstance(run_manager, list) else [run_manager]
        for manager in managers:
            for handler in manager.handlers:
                if isinstance(handler, PathTracker):
                    name = retry.bound.get_name()
                    handler.retries(manager.run_id, manager.parent_run_id, manager.tags, name)
        return original(retry, inputs, run_manager, config, **kwargs)

    return method
