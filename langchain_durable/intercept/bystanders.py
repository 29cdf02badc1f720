"""Other people's callbacks: our handler must not cost them an event.

LangChain's async ``on_llm_start`` tells only the inline handlers if there is one. Ours is
inline, so beside it handlers that are not would never hear of a completion model's start.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks.manager import ahandle_event

from langchain_durable.intercept.tracker import PathTracker


def telling_all(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of ``AsyncCallbackManager.on_llm_start``."""

    @functools.wraps(original)
    async def on_llm_start(
        manager: Any, serialized: Any, prompts: list[str], run_id: Any = None, **kwargs: Any
    ) -> Any:
        started = await original(manager, serialized, prompts, run_id=run_id, **kwargs)
        left_out = _left_out_by_us(manager.handlers)
        if left_out:
            for call, prompt in zip(started, prompts, strict=True):
                await ahandle_event(
                    left_out,
                    "on_llm_start",
                    "ignore_llm",
                    serialized,
                    [prompt],
                    run_id=call.run_id,
                    parent_run_id=manager.parent_run_id,
                    tags=manager.tags,
                    metadata=manager.metadata,
                    **kwargs,
                )
        return started

    return on_llm_start


def _left_out_by_us(handlers: list[Any]) -> list[Any]:
    """The handlers that were not told, if nobody but us is the reason."""
    inline = [handler for handler in handlers if handler.run_inline]
    if not inline or not all(isinstance(handler, PathTracker) for handler in inline):
        return []
    return [handler for handler in handlers if not handler.run_inline]
