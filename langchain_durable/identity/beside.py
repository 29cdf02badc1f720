"""Was a call made beside others, by the program itself? What its task or thread says of that.

A call that its caller waits for comes in the caller's own task or thread, or in a task that the
caller's awaits, as LangChain and LangGraph make them for each step. One that is made in any other,
by ``asyncio.gather``, a ``TaskGroup`` or a pool of threads, has siblings that may overtake it.
"""

from __future__ import annotations

import asyncio
import threading
from asyncio import _get_running_loop
from typing import Any

from langchain_durable.touchpoints.langchain import CONSUMERS

Maker = Any
"""The task or the thread that a call is made in; None where that is not known."""

_DEEP = 64
"""Tasks that await each other, between two calls of which one is right in the other."""


def maker() -> Maker:
    """The task that runs here or, outside of event loops, the thread's number."""
    loop = _get_running_loop()
    return threading.get_ident() if loop is None else asyncio.current_task(loop)


def is_beside(call: Maker, above: Maker) -> bool:
    """Was a call made beside what called it, and not in it? False where that is not known.

    True too of a task that is awaited through a future of its own (``asyncio.shield``), which
    looks as one of many does.
    """
    if call is None or above is None or call == above:
        return False
    if type(call) is int or type(above) is int:
        # A loop's executor, or a loop that a thread runs: who waits for whom is not to be seen.
        return type(call) is type(above)
    return not (_awaits(above, call) or _is_unseen(call, above))


def _is_unseen(call: Any, above: Any) -> bool:
    """Would it not be seen if one task waited for the other?"""
    return bool(
        # A stream's: each piece may be asked for in a task of its own.
        above.done()
        # As in ``asyncio.run`` in a function that a loop's executor runs.
        or call.get_loop() is not above.get_loop()
        # Whoever waits for its events may be the caller, or one of many.
        or getattr(call.get_coro(), "__qualname__", "") in CONSUMERS
    )


def _awaits(task: Any, other: Any) -> bool:
    """Does a task wait for another one, or for one that does?"""
    for _ in range(_DEEP):
        # What asyncio's own debugging goes by; a task of another make may lack it.
        awaited = getattr(task, "_fut_waiter", other)
        if awaited is None:
            # At work, it has made a task that begins at once (an eager one), or runs its own loop.
            return bool(getattr(task.get_coro(), "cr_running", False))
        gathered: Any = getattr(awaited, "_children", ())
        # LangChain makes a batch of one in that way too.
        task = gathered[0] if len(gathered) == 1 else awaited
        if task is other:
            return True
        if not hasattr(task, "get_coro"):
            # ``wait_for`` on Python 3.11 waits for a future that the task's end releases.
            ends: Any = getattr(other, "_callbacks", None)
            return any(getattr(end, "args", None) == (task,) for end, _ in ends or ())
    return True
