"""An answer that a question has taken is not there for the next one.

LangGraph keeps an answer that names no question beside the checkpoint, until another one comes
or the node ends. If the node asks again, and its graph is called with no new answer, as by a
program that begins anew, the next question would have the answer of the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable.events import AttemptEnded
from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.identity.index import Index
from langchain_durable.intercept.graphs.reads import Reads
from langchain_durable.touchpoints.langgraph import NO_TASK, RESUME
from langchain_durable.waiting import Call, Procedure


def forget_taken(
    saver: Any,
    place: RunnableConfig,
    owns: Callable[[Any], bool],
    index: Index,
    reads: Reads,
    *,
    kept_at_once: bool,
) -> Procedure[None]:
    """Have the answer forgotten that is kept at this place, if it was not for what is asked now.

    ``owns`` says of a checkpoint if it is the run's. ``kept_at_once``: the saver may know of an
    answer whose call was killed. Ours does not: it keeps what a call that came to its end has
    left.
    """
    saved = yield Call(lambda: reads.saved(saver, place))
    if saved is None or not owns(saved):
        return
    writes = saved.pending_writes or ()
    kept = [(task, value) for task, channel, value in writes if channel == RESUME]
    given = [value for task, value in kept if task == NO_TASK and value is not None]
    if given and (not kept_at_once or _asks(index) or _is_taken(given[-1], kept)):
        yield Call(lambda: reads.unanswer(saver, saved.config))


def _asks(index: Index) -> bool:
    """Was a question the last thing that came of the run?"""
    last = index.last.event if index.last is not None else None
    return isinstance(last, AttemptEnded) and last.asks


def _is_taken(answer: Any, kept: list[tuple[str, Any]]) -> bool:
    """Has a task the answer as its last? It may be an equal one; then the question comes again."""
    own = [value[-1] for task, value in kept if task != NO_TASK and value]
    return fingerprint(answer) in map(fingerprint, own)
