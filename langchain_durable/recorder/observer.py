"""Calls that no run is active for, in a process that is observed: traced, and not recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from langchain_durable.errors import DurableError
from langchain_durable.events import HANDLED, Outcome, StepEnded, Usage
from langchain_durable.identity.tree import Scope, Tree
from langchain_durable.recorder.given_up import GivenUp
from langchain_durable.recorder.records import SETTLED
from langchain_durable.recorder.settings import Settings
from langchain_durable.spans.outcomes import describe
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing.observed_trace import ObservedTrace
from langchain_durable.tracing.telemetry import Telemetry
from langchain_durable.waiting import Procedure, Ticket


class Observer:
    """What an attempt is to the interceptors, for calls that are only observed: a Recorder."""

    run_id = ""
    journaled = False
    resumed = False
    broken: None = None
    opener: None = None
    lease: None = None
    forked = False
    index: None = None

    def __init__(self, telemetry: Telemetry) -> None:
        self.settings = Settings(telemetry=telemetry, require_finish_reason=False)
        self.trace = ObservedTrace(telemetry, self.settings.random_hex)
        self.tree = Tree(top_by_ordinal=False)
        self.closed = False

    def ready(self) -> Procedure[None]:
        """Nothing has to be opened."""
        return
        yield

    def knows(self, scope: Scope) -> bool:
        """Nothing is known."""
        return False

    def recall(self, scope: Scope) -> None:
        """Nothing is recorded."""

    def give_up_again(self, scope: Scope, given_up: GivenUp) -> Procedure[None]:
        """Nothing is known to have been given up."""
        return
        yield

    def refuse(self, why: DurableError) -> NoReturn:
        """Nothing is ever in doubt."""
        raise why

    def carries(self, value: Any) -> bool:
        """There is no journal to carry it."""
        return False

    def start(self, scope: Scope, *, inputs: Any = None) -> Ticket[None]:
        """A call is about to be made."""
        self.trace.start_step(scope, self.settings.clock())
        return SETTLED

    def complete(
        self,
        scope: Scope,
        value: Any,
        usage: Usage | None = None,
        told: Attributes | None = None,
        *,
        refused: Exception | None = None,
        instead: Callable[[Any], Any] | None = None,
    ) -> Ticket[None]:
        """A call has given its result."""
        return self._end(scope, Outcome.COMPLETED, told or {}, usage=usage)

    def fail(
        self,
        scope: Scope,
        exc: BaseException,
        outcome: Outcome,
        *,
        handled: bool = False,
        chunks: Any = None,
    ) -> Ticket[None]:
        """A call has ended without a result."""
        return self._end(scope, outcome, None, error=describe(exc), handled=handled)

    def leave(self, scope: Scope, exc: BaseException, chunks: Any, last: int) -> None:
        """A stream was not read to its end; ``last`` is when its last chunk came."""
        time = last if isinstance(exc, GeneratorExit) else 0
        self._end(scope, Outcome.CANCELLED, None, error=describe(exc), time=time)

    def _end(
        self,
        scope: Scope,
        outcome: Outcome,
        told: Attributes | None,
        *,
        handled: bool = False,
        time: int = 0,
        **more: Any,
    ) -> Ticket[None]:
        said: dict[str, Any] = self.trace.told_end(scope, told, more.get("usage"))
        if handled:
            said[HANDLED] = True
        ended = max(time or self.settings.clock(), scope.entered)
        event = StepEnded(step=b"", outcome=outcome, time=ended, attributes=said, **more)
        self.trace.end_step(scope, event, told or {})
        return SETTLED

    def settle(self, ticket: Ticket[None]) -> Procedure[None]:
        """Nothing is waited for."""
        return
        yield
