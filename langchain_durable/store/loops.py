"""Waking tasks of event loops from whichever thread has their answer."""

from __future__ import annotations

import asyncio
import logging
from asyncio import _get_running_loop
from collections.abc import Sequence

Watcher = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]
"""A future that is to be set, and the loop it belongs to."""

log = logging.getLogger(__name__)


def wake(watchers: Sequence[Watcher]) -> None:
    """Set futures: one call per loop, however many of its tasks wait. Safe to do twice."""
    here = _get_running_loop()
    if here is not None and all(loop is here for loop, _ in watchers):
        set_all([future for _, future in watchers])
        return
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for loop, future in watchers:
        loops.setdefault(loop, []).append(future)
    for loop, futures in loops.items():
        try:
            loop.call_soon_threadsafe(set_all, futures)
        except RuntimeError:
            log.debug("an event loop was closed while its tasks waited for the journal")


def set_all(futures: Sequence[asyncio.Future[None]]) -> None:
    """Set futures of the running loop; a task that was cancelled has left its own."""
    for future in futures:
        if not future.done():
            future.set_result(None)
