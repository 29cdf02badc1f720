"""A program run again from its journal alone: every call is answered from it, none is made.

The run is copied into a journal in memory, so that nothing of the original changes.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from langchain_durable import Durable, ids
from langchain_durable.cli.offline_answers import OfflineHandle, Replayed
from langchain_durable.cli.offline_copy import copy_run
from langchain_durable.codec import decode_entry
from langchain_durable.events import (
    Outcome,
    RunStatus,
    StepEnded,
    StepStarted,
)
from langchain_durable.journal import (
    Record,
)
from langchain_durable.reading import queries
from langchain_durable.reading.stored_call import stored_call
from langchain_durable.running.wrap import RUN_ID
from langchain_durable.touchpoints.langgraph import is_graph, own_checkpointer
from langchain_durable.waiting import drive

_ANSWERS = (Outcome.COMPLETED, Outcome.FAILED)
_KEYS = ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI", "MISTRAL", "GROQ", "COHERE", "DEEPSEEK", "XAI",
         "TOGETHER", "FIREWORKS", "PERPLEXITY", "AZURE_OPENAI", "OPENROUTER")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of it: the program's result or the error that it ended with, and its steps.

    ``unreached``: how many steps with an answer the program did not come to. ``paused``: the run
    is paused, so that a program that asks has come as far as the run did.
    """

    result: Any
    error: Exception | None
    steps: Sequence[Replayed]
    unreached: int = 0
    paused: bool = False


@contextmanager
def placeholder_keys() -> Iterator[None]:
    """API keys for clients that ask for one when they are made; no call is made with them."""
    missing = [name for each in _KEYS if (name := f"{each}_API_KEY") not in os.environ]
    os.environ.update(dict.fromkeys(missing, "offline"))
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def rerun(durable: Durable, run_id: str, program: Any) -> Rerun:
    """Make a run's call again with the answers in the journal that ``durable`` is a handle on.

    The errors that the program itself ends with are part of what came. Raises ``StepError`` for
    a call that the journal cannot answer, ``RunNotFound``, ``RunExpired``, and the codec's.
    """
    runtime = durable.connector.connect()
    header = durable.header(run_id)
    name, call, inputs = drive(stored_call(runtime, run_id))
    records = drive(queries.records(runtime, run_id))
    scratch = OfflineHandle(f"memory://replay-{ids.new()}", version=header.version)
    # What the original's classes, redaction and key made can be read only with them.
    scratch.connector.codec = runtime.codec
    with scratch:
        copy_run(header, records, scratch.connector.connect().store)
        wrapped = scratch.wrap(_without_memory(program), name=name)
        configurable = {**call["configurable"], RUN_ID: run_id}
        done = _called(scratch, wrapped, call["method"], inputs, {"configurable": configurable})
    reached = {step.step for step in done.steps}
    return replace(
        done,
        unreached=len(answered_steps(records) - reached),
        paused=header.status is RunStatus.PAUSED,
    )


def answered_steps(records: Sequence[Record]) -> set[bytes]:
    """The steps that have an answer, without those inside another one that has."""
    ended: set[bytes] = set()
    parents: dict[bytes, bytes] = {}
    for record in records:
        event = decode_entry(record).event
        if isinstance(event, StepStarted):
            parents.update((node.id, node.parent) for node in event.nodes)
        elif isinstance(event, StepEnded) and event.outcome in _ANSWERS:
            ended.add(event.step)
    return {step for step in ended if not _inside(step, ended, parents)}


def _inside(step: bytes, steps: set[bytes], parents: Mapping[bytes, bytes]) -> bool:
    above = parents.get(step)
    while above and above not in steps:
        above = parents.get(above)
    return bool(above)


def _called(
    scratch: OfflineHandle, wrapped: Any, method: str, inputs: Any, config: RunnableConfig
) -> Rerun:
    many = "batch" in method
    result, error = None, None
    try:
        if method.startswith("a"):
            started = wrapped.abatch if many else wrapped.ainvoke
            result = asyncio.run(started(inputs, config))
        else:
            result = (wrapped.batch if many else wrapped.invoke)(inputs, config)
    except Exception as exc:
        error = exc
    if scratch.missing is not None:  # whatever the program made of it
        raise scratch.missing
    return Rerun(result, error, scratch.steps)


def _without_memory(program: Any) -> Any:
    """A graph's own checkpointer keeps threads of the real program: it is left out."""
    if not is_graph(program) or own_checkpointer(program) is None:
        return program
    twin = copy.copy(program)
    twin.checkpointer = None
    return twin
