"""What the interceptors ask of whoever follows a call: an attempt, or one that only observes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from langchain_durable.errors import DurableError
from langchain_durable.events import Outcome, Usage
from langchain_durable.identity.index import Index
from langchain_durable.identity.tree import Scope, Tree
from langchain_durable.journal import Lease
from langchain_durable.recorder.answers import Answer
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.recorder.settings import Settings
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing.step_spans import StepSpans
from langchain_durable.waiting import Procedure, Ticket


class Recorder(Protocol):
    """Answers calls, or has them made and hears how they ended.

    :class:`~langchain_durable.recorder.attempt.Attempt` for the calls of a run, and
    :class:`~langchain_durable.recorder.observer.Observer` for those of none. What either means by
    a name is said there.
    """

    @property
    def run_id(self) -> str: ...
    @property
    def journaled(self) -> bool: ...
    @property
    def resumed(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def forked(self) -> bool: ...
    @property
    def broken(self) -> DurableError | None: ...
    @property
    def opener(self) -> Callable[[], Procedure[None]] | None: ...
    @property
    def lease(self) -> Lease | None: ...
    @property
    def index(self) -> Index | None: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def trace(self) -> StepSpans: ...
    @property
    def tree(self) -> Tree: ...

    def ready(self) -> Procedure[None]: ...
    def knows(self, scope: Scope) -> bool: ...
    def recall(self, scope: Scope) -> Answer | GivenUp | None: ...
    def give_up_again(self, scope: Scope, given_up: GivenUp) -> Procedure[None]: ...
    def refuse(self, why: DurableError) -> NoReturn: ...
    def carries(self, value: Any) -> bool: ...

    def start(self, scope: Scope, *, inputs: Any = None) -> Ticket[None]: ...
    def complete(
        self,
        scope: Scope,
        value: Any,
        usage: Usage | None = None,
        told: Attributes | None = None,
        *,
        refused: Exception | None = None,
        instead: Callable[[Any], Any] | None = None,
    ) -> Ticket[None]: ...
    def fail(
        self,
        scope: Scope,
        exc: BaseException,
        outcome: Outcome,
        *,
        handled: bool = False,
        chunks: Any = None,
    ) -> Ticket[None]: ...
    def leave(self, scope: Scope, exc: BaseException, chunks: Any, last: int) -> None: ...
    def settle(self, ticket: Ticket[None]) -> Procedure[None]: ...
