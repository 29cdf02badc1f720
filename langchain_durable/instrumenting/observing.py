"""Spans, prices and metrics for all LangChain calls of a process, journaled or not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import Any
from uuid import UUID

from langchain_core.outputs import LLMResult

from langchain_durable.identity.tree import Scope
from langchain_durable.instrumenting import nesting
from langchain_durable.intercept.active import active, hook, is_followed, tracker_in
from langchain_durable.intercept.install import install
from langchain_durable.intercept.tracker import PathTracker
from langchain_durable.recorder.observer import Observer
from langchain_durable.spans.models import model_ended, usage_of
from langchain_durable.spans.outcomes import outcome_of
from langchain_durable.tracing import Telemetry
from langchain_durable.tracing.guard import harmless, nothing


class ObservingTracker(PathTracker[Observer]):
    """Follows the calls of no run. Beside a run's own tracker it makes no spans."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(Observer(telemetry))
        self._roots: dict[UUID, UUID] = {}
        self._under: dict[UUID, set[UUID]] = {}

    def _enter(
        self, run_id: UUID, parent_run_id: UUID | None, label: str, inputs: Any, **step: Any
    ) -> Scope:
        root = self._roots.get(parent_run_id, run_id) if parent_run_id is not None else run_id
        self._roots[run_id] = root
        self._under.setdefault(root, set()).add(run_id)
        scope = super()._enter(run_id, parent_run_id, label, None, **step)
        if scope.kind is None:
            self.attempt.trace.enter_chain(scope)
        else:
            scope.taken = is_followed(run_id)
        return scope

    def step(self, run_id: UUID) -> Any:
        return None if active.get() is not None else super().step(run_id)

    def root_call(self, place: str) -> None:
        """There is no run to re-enter."""

    def batch(
        self, inputs: Sequence[Any], parent_run_id: UUID | None
    ) -> AbstractContextManager[None]:
        """There is nothing recorded to tell its calls from."""
        return nullcontext()

    def _announce(self, scope: Scope) -> None:
        if not scope.taken:
            super()._announce(scope)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A model has answered; out of LangChain's cache, if nobody had called its provider."""
        scope = self._begun_now(run_id)
        if scope is not None:
            self.attempt.complete(scope, None, None, model_ended(response, usage_of(response)))
        super().on_llm_end(response, run_id=run_id, **kwargs)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has answered; if nobody had called its function, that its arguments are wrong."""
        scope = self._begun_now(run_id)
        if scope is not None:
            self.attempt.trace.saw(scope, output)
            self.attempt.complete(scope, None)
        super().on_tool_end(output, run_id=run_id, **kwargs)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool's call has failed; if nobody had called its function, at its arguments."""
        scope = self._begun_now(run_id)
        if scope is not None:
            self.attempt.fail(scope, error, outcome_of(error))
        super().on_tool_error(error, run_id=run_id, **kwargs)

    def _begun_now(self, run_id: UUID) -> Scope | None:
        """A call that is over, and that no provider's method was called for: its span begins now.
        None of any other."""
        scope = self.scope(run_id)
        if scope is None or scope.taken or self.attempt.closed:
            return None
        self.attempt.start(scope)
        return scope

    @harmless(nothing)
    def nest(self, context: Context, config: Any) -> None:
        """Have what a call's own code begins stand below its span; ``context`` is made for it."""
        callbacks = config.get("callbacks")
        scope = self.scope(getattr(callbacks, "parent_run_id", None))
        is_a_runs = active.get() is not None or tracker_in(callbacks) is not None
        if scope is not None and not is_a_runs and not self.attempt.closed:
            self.attempt.trace.nest(scope, context)

    def _leave(self, run_id: UUID, error: BaseException | None = None, outputs: Any = None) -> None:
        self._end(run_id, error, outputs)
        self._roots.pop(run_id, None)
        for abandoned in self._under.pop(run_id, set()) - {run_id}:
            # LangChain does not tell of the end of a call that was cancelled or abandoned.
            if abandoned.int in self._scopes:
                self._end(abandoned, error)
            self._roots.pop(abandoned, None)

    def _end(self, run_id: UUID, error: BaseException | None, outputs: Any = None) -> None:
        scope = self._scopes.get(run_id.int)
        if scope is not None:
            scope.over = True
        super()._leave(run_id, error, outputs)


def observe(telemetry: Telemetry) -> None:
    """Trace all LangChain calls of this process, until :func:`unobserve`.

    Calls of durable runs have the spans of their runs, and no second ones.
    """
    install()
    nesting.install(ObservingTracker.nest)
    hook.observer = ObservingTracker(telemetry)


def unobserve() -> None:
    """Trace the calls of durable runs only. Calls under way keep their spans."""
    observer, hook.observer = hook.observer, None
    if observer is not None:
        observer.attempt.closed = True
