"""The calls under way, by the ids that LangChain gives them: where each stands in the step tree.

LangChain numbers all that it starts, also chains of its own that say nothing of a program (see
``passing``). The step tree has places for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from uuid import UUID

from langchain_durable.identity.root_call import RootCall
from langchain_durable.identity.tree import Scope
from langchain_durable.intercept.passing import Passing
from langchain_durable.intercept.step import Step
from langchain_durable.recorder.recorder import Recorder
from langchain_durable.touchpoints.child_context import parent_run_id

R = TypeVar("R", bound=Recorder, covariant=True)


class CallScopes(Generic[R]):
    """The scopes of one attempt's calls, while these are under way."""

    def __init__(self, attempt: R) -> None:
        self._attempt = attempt
        # By its number: the hash of a UUID is made in Python.
        self._scopes: dict[int, Scope] = {}
        self._passing = Passing()

    @property
    def attempt(self) -> R:
        """Who records the calls: an attempt, or an observer."""
        return self._attempt

    def scope(self, run_id: UUID | None) -> Scope | None:
        """The scope of one of LangChain's own run ids."""
        if run_id is None:
            return None
        found = self._scopes.get(run_id.int)
        if found is None and run_id in self._passing:  # a try
            return self.scope(self._passing.above(run_id))
        return found

    def retries(
        self, run_id: UUID, parent_run_id: UUID | None, tags: list[str] | None, tried: str
    ) -> None:
        """A chain that has just started will try what it retries, which is named ``tried``."""
        if run_id not in self._passing:
            self._passing.enter(run_id, parent_run_id, tags, tried)

    def root_call(self, place: str) -> RootCall | None:
        """The identity of a root call in this run; None if the run is over."""
        attempt = self._attempt
        if attempt.closed:
            return None
        # The same in every attempt also if what came before is not called again this time.
        above = self.scope(parent_run_id())
        if above is not None:
            place = f"{blake2b('/'.join(above.path).encode(), digest_size=8).hexdigest()}:{place}"
        number = attempt.tree.count(f"root:{place}")
        # A run that its first step will take may be one that an earlier attempt has begun.
        resumed = attempt.resumed or attempt.opener is not None
        return RootCall(f"{attempt.run_id}:{place}:{number}", resumed)

    def batch(
        self, inputs: Sequence[Any], parent_run_id: UUID | None
    ) -> AbstractContextManager[None]:
        """A batch of calls, all with this tracker and parent, is being made."""
        above, _ = self._passing.place(parent_run_id, "")
        return self._attempt.tree.at_once(self.scope(above))

    def step(self, run_id: UUID) -> Step | None:
        """The step that one of LangChain's own run ids stands for."""
        scope = self._scopes.get(run_id.int)
        return Step(self._attempt, scope) if scope is not None else None

    def _enter(
        self, run_id: UUID, parent_run_id: UUID | None, label: str, inputs: Any, **step: Any
    ) -> Scope:
        if self._passing.chains:
            parent_run_id, label = self._passing.place(parent_run_id, label)
        above = None
        if parent_run_id is not None:
            above = self._scopes.get(parent_run_id.int) or self.scope(parent_run_id)
        scope = self._attempt.tree.enter(above, label, inputs, **step)
        self._scopes[run_id.int] = scope
        return scope

    def _leave(self, run_id: UUID, error: BaseException | None = None, outputs: Any = None) -> None:
        scope = self._scopes.pop(run_id.int, None)
        if self._passing.chains:
            self._passing.leave(run_id)
        if scope is None:
            return
        scope.maker = None  # a task, in whose context the scope may be
        if scope.kind is not None:
            return
        self._attempt.tree.leave(scope)
        if scope.span_id:
            self._attempt.trace.leave(scope, error, outputs)
