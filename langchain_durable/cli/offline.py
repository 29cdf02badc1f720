"""A program run again from its journal alone: every call is answered from it, none is made.

The run is copied into a journal in memory, so that nothing of the original changes.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

from langchain_core.runnables import RunnableConfig
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from langchain_durable import Durable, ids
from langchain_durable.codec import decode_entry, encode_event
from langchain_durable.errors import DurableError, StepError
from langchain_durable.events import (
    AttemptEnded,
    ErrorInfo,
    Outcome,
    RunStatus,
    StepEnded,
    StepStarted,
)
from langchain_durable.identity.tree import Scope
from langchain_durable.journal import (
    Close,
    Draft,
    Header,
    Intent,
    Opening,
    Record,
    RecordKind,
    Store,
)
from langchain_durable.reading import queries
from langchain_durable.reading.stored_call import stored_call
from langchain_durable.recorder.answers import Answer
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.failures import stand_in
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.recorder.request import Request, Stored
from langchain_durable.running.running import Running, Taken
from langchain_durable.running.wrap import RUN_ID
from langchain_durable.touchpoints.langgraph import is_graph, own_checkpointer
from langchain_durable.waiting import Procedure, drive

_LEASE_MS = 3_600_000
_ANSWERS = (Outcome.COMPLETED, Outcome.FAILED)
_KEYS = ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI", "MISTRAL", "GROQ", "COHERE", "DEEPSEEK", "XAI",
         "TOGETHER", "FIREWORKS", "PERPLEXITY", "AZURE_OPENAI", "OPENROUTER")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replayed:
    """A step that was answered. ``drift``: the journal has it with another input."""

    kind: str
    name: str
    error: ErrorInfo | None = None
    drift: bool = False
    step: bytes = b""


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
    scratch = _Scratch(f"memory://replay-{ids.new()}", version=header.version)
    # What the original's classes, redaction and key made can be read only with them.
    scratch.connector.codec = runtime.codec
    with scratch:
        copy_run(header, records, scratch.connector.connect().store)
        wrapped = scratch.wrap(_without_memory(program), name=name)
        configurable = {**call["configurable"], RUN_ID: run_id}
        done = _made(scratch, wrapped, call["method"], inputs, {"configurable": configurable})
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


def _made(
    scratch: _Scratch, wrapped: Any, method: str, inputs: Any, config: RunnableConfig
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


# -- the copy ---------------------------------------------------------------------------------


def copy_run(header: Header, records: Sequence[Record], store: Store) -> None:
    """Copy a run into another store, as one that is completed and has no stored result.

    A completed run makes no step that its journal does not have; one without a result is
    answered by running its program.
    """
    owner = ""
    attempts = [list(group) for _, group in groupby(records, key=lambda record: record.attempt)]
    for number, attempt in enumerate(attempts, start=1):
        evict, owner = owner, f"attempt-{number}"
        opened = store.acquire(
            Opening(
                run_id=header.run_id,
                owner=owner,
                lease_ms=_LEASE_MS,
                intent=Intent.CALL if number == 1 else Intent.CONTINUE,
                draft=_draft(attempt[0]),
                fingerprint=header.fingerprint,
                version=header.version,
                evict=evict,
                max_stalls=len(attempts) + 1,
                fields=header.fields,
            )
        ).result()
        assert opened.lease is not None  # nobody else has this store
        drafts = [_draft(record) for record in attempt[1:]]
        close = None
        if number == len(attempts):
            drafts += [] if attempt[-1].kind is RecordKind.ATTEMPT_ENDED else [_end(attempt[-1])]
            close = Close(status=RunStatus.COMPLETED)
        if drafts:
            store.append(opened.lease, drafts, seq=opened.lease.seq + 1, close=close).result()


def _draft(record: Record) -> Draft:
    result = record.kind is RecordKind.ATTEMPT_ENDED
    payload = None if result else record.payload
    return Draft(kind=record.kind, meta=record.meta, step=record.step, payload=payload)


def _end(last: Record) -> Draft:
    return encode_event(AttemptEnded(status=RunStatus.COMPLETED, time=last.seq))


# -- the answers ------------------------------------------------------------------------------


class _Scratch(Durable):
    """A handle whose attempts only answer. Backends do not hear of it: nothing was called."""

    def __init__(self, url: str, *, version: str) -> None:
        super().__init__(
            url,
            version=version,
            tracer_provider=NoOpTracerProvider(),
            meter_provider=NoOpMeterProvider(),
            logger_provider=NoOpLoggerProvider(),
            prices=False,
        )
        self.steps: list[Replayed] = []
        self.missing: DurableError | None = None

    def bind_call(
        self,
        runnable: Any,
        request: Request,
        config: RunnableConfig | None,
        options: Mapping[str, Any],
    ) -> Running:
        running = super().bind_call(runnable, request, config, options)
        given = {each.name: getattr(running, each.name) for each in fields(running)}
        return _Answered(**given, note=self.steps.append, miss=self._miss)

    def _miss(self, error: DurableError) -> None:
        self.missing = self.missing or error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered(Running):
    note: Callable[[Replayed], None]
    miss: Callable[[DurableError], None]

    def open(self) -> Procedure[Taken | Stored]:
        opened = yield from Running.open(self)
        if isinstance(opened, Taken):
            object.__setattr__(opened.attempt, "__class__", OfflineAttempt)
            vars(opened.attempt).update(note=self.note, miss=self.miss)
        return opened


class OfflineAttempt(Attempt):
    """An attempt that has an answer to every step, or stops the run."""

    note: Callable[[Replayed], None]
    miss: Callable[[DurableError], None]

    def recall(self, scope: Scope) -> Answer | GivenUp | None:
        """The recorded answer, or the recorded error; raises ``StepError`` for a step without."""
        self.check()
        self.tree.resolve(scope)
        recorded = scope.recorded
        step = "/".join(scope.path)
        kind = scope.kind.value if scope.kind is not None else ""
        if recorded is not None and (recorded.outcome is Outcome.COMPLETED or recorded.given_up):
            answer = super().recall(scope)
            self.note(Replayed(kind, scope.name, drift=scope.drift, step=self._id(scope)))
            return answer
        if recorded is not None and recorded.outcome is Outcome.FAILED and recorded.error:
            self.note(Replayed(kind, scope.name, recorded.error, step=self._id(scope)))
            error = self.error_of(scope, recorded)
            raise error or stand_in(recorded.error, run_id=self.run_id, step=step)
        self._let_run(scope)
        return None

    def _warn_of_drift(self, path: str) -> None:
        """Not a warning: what was replayed is told of in the end, with this."""

    def _let_run(self, scope: Scope) -> None:
        kind = scope.kind.value if scope.kind is not None else ""
        self.broken = _missing(self.run_id, "/".join(scope.path), kind, scope)
        self.miss(self.broken)
        raise self.broken


def _missing(run_id: str, step: str, kind: str, scope: Scope) -> StepError:
    recorded = scope.recorded
    if recorded is None or recorded.kind is None:
        came = f"a call of the {kind} {scope.name!r} that the run never made"
    elif recorded.in_doubt:
        came = f"a call of the {kind} {scope.name!r} that a crash cut off"
    else:
        how = recorded.outcome.value if recorded.outcome else "ended without a recorded result"
        came = f"a call of the {kind} {scope.name!r} that was {how}"
    return StepError(
        run_id,
        step,
        "the journal has no answer for it, and offline no call is made.",
        expected="the program as it was, up to the last call that had finished",
        came=came,
        do="let the run go on with `langchain-durable resume`, or run the program as it was",
    )
