"""Threads of ours, on a system that may have none left to give."""

from __future__ import annotations

import threading
from collections.abc import Callable

from langchain_durable.errors import JournalUnavailable


def started(target: Callable[[], object], name: str) -> threading.Thread:
    """A thread that runs, and does not keep the program from ending.

    Raises ``JournalUnavailable`` if the system has none left, as under a limit of processes.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as exc:
        raise JournalUnavailable(
            "The journal cannot be served without a thread of its own.",
            expected=f"room for one more thread, {name}",
            came=str(exc),
            do="raise the limit of processes and threads (pids of the container, ulimit -u), or "
            "let others end; then make the call again",
        ) from exc
    return thread
