"""The attempt of a program that runs again offline: it answers every step, or stops the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from langchain_core.runnables import RunnableConfig
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider

from langchain_durable import Durable
from langchain_durable.errors import DurableError, StepError
from langchain_durable.events import ErrorInfo, Outcome
from langchain_durable.identity.tree import Scope
from langchain_durable.recorder.answers import Answer
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.failures import stand_in
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.recorder.request import Request, Stored
from langchain_durable.running.running import Running, Taken
from langchain_durable.waiting import Procedure


@dataclass(frozen=True, slots=True)
class Replayed:
    """A step that was answered. ``drift``: the journal has it with another input."""

    kind: str
    name: str
    error: ErrorInfo | None = None
    drift: bool = False
    step: bytes = b""


class OfflineHandle(Durable):
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
            # Acquiring makes an attempt of its own class, with the lease and all that was read.
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
