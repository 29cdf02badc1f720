"""One attempt: the process's execution of a run, and the only place that records steps."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_durable.codec import Codec, encode_event
from langchain_durable.errors import (
    DurableError,
    DurableWarning,
    ReplayedError,
    RunCancelled,
    RunCompleted,
    StepDrift,
    StepInDoubt,
    Unjournalable,
)
from langchain_durable.events import (
    HANDLED,
    AttemptEnded,
    Event,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Close, Draft, Lease, Store
from langchain_durable.recorder.failures import causes, rebuild
from langchain_durable.recorder.settings import Settings
from langchain_durable.replay import Index, Recorded
from langchain_durable.scopes import Scope, Tree
from langchain_durable.spans.outcomes import describe
from langchain_durable.spans.runs import REPLAYED
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing import AttemptTrace
from langchain_durable.waiting import Procedure, Ready, Ticket

IN_DOUBT = "durable_in_doubt"
"""Key of a tool's metadata that holds its in-doubt policy: ``retry``, ``ask`` or ``fail``."""

ARGUMENTS = "arguments"

SETTLED: Ready[None] = Ready(None)
"""The ticket of a record that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the journal has for a step: the recorded value."""

    value: Any


@dataclass(slots=True)
class Counts:
    """What this attempt did, for people and for metrics."""

    executed: int = 0
    replayed: int = 0
    drifted: int = 0
    unrecorded: int = 0


class Attempt:
    """Answers steps from the journal, and records those that are made.

    ``lease`` is None for a run that is completed and only replayed: then every step must
    be in the journal.
    """

    def __init__(
        self,
        *,
        run_id: str,
        codec: Codec,
        settings: Settings,
        tree: Tree,
    ) -> None:
        self.run_id = run_id
        self.codec = codec
        self.settings = settings
        self.tree = tree
        self.trace = AttemptTrace(settings.telemetry, run_id, settings.random_hex)
        self.number = 0
        self.store: Store | None = None
        self.lease: Lease | None = None
        self.index: Index | None = None
        self.counts = Counts()
        self.interrupted = False
        self.cancelled = False
        self.closed = False
        self.warned = False
        self.broken: DurableError | None = None
        self.opener: Callable[[], Procedure[None]] | None = None
        self._seq = 0
        self._lock = threading.Lock()
        self._failed: dict[bytes, BaseException] = {}

    @property
    def resumed(self) -> bool:
        """Did an earlier attempt leave something to replay?"""
        return self.index is not None and len(self.index) > 0

    def opened(
        self, store: Store, lease: Lease | None, index: Index | None, *, drift_ok: bool
    ) -> None:
        """Start to record under ``lease``, after what ``index`` knows."""
        self.store = store
        self.lease = lease
        if lease is not None:
            self.number = lease.attempt
            self._seq = lease.seq
        if index is not None:
            self.index = index
            self.tree.follow(index.root, drift_ok=drift_ok)

    def ready(self) -> Procedure[None]:
        """Wait until the lease is there, where it is taken by the first step (callbacks)."""
        if self.opener is not None:
            yield from self.opener()

    # -- answering ------------------------------------------------------------------

    def knows(self, scope: Scope) -> bool:
        """Will :meth:`recall` have an answer? Asked before a rate limiter is."""
        if self.index is None or self.closed:
            return False
        self.tree.resolve(scope)
        recorded = scope.recorded
        return recorded is not None and recorded.outcome is Outcome.COMPLETED

    def recall(self, scope: Scope) -> Answer | None:
        """The recorded answer to a step, or None if it has to be made.

        Raises the recorded error, if the program went on after it.
        """
        self._check()
        self.tree.resolve(scope)
        recorded = scope.recorded
        answer = self._answer(scope, recorded) if recorded is not None else None
        if answer is not None and recorded is not None:
            self.counts.replayed += 1
            self.trace.replayed(scope, recorded.cost)
        elif self.lease is None:
            raise RunCompleted(
                self.run_id,
                f"it is completed, and the program now makes a step that it never made: "
                f"{'/'.join(scope.path)}.",
                expected="the same program with the same input",
                came="a new step",
                do="use a new run_id for a new turn",
            )
        return answer

    def _answer(self, scope: Scope, recorded: Recorded) -> Answer | None:
        if recorded.outcome is Outcome.COMPLETED and recorded.payload is not None:
            if scope.drift and not self._accept_drift(scope):
                return None
            return Answer(self.codec.decode(recorded.payload, bind=self._bind(scope)))
        if recorded.outcome is Outcome.FAILED:
            self._raise_again(scope, recorded)
            return None
        unknown = recorded.in_doubt or recorded.outcome is Outcome.CANCELLED
        if unknown and scope.kind is StepKind.TOOL:
            self._doubt(scope, recorded)
        return None

    def _raise_again(self, scope: Scope, recorded: Recorded) -> None:
        """Raise the recorded error if the program took it for an answer and went on."""
        if self.index is None or recorded.error is None or not self.index.went_on_after(recorded):
            return
        error = rebuild(recorded.error, run_id=self.run_id, step="/".join(scope.path))
        if recorded.handled and isinstance(error, ReplayedError):
            return  # its handler knows the error by its class, which is not imported here
        self.counts.replayed += 1
        raise error

    def _accept_drift(self, scope: Scope) -> bool:
        if self.settings.drift == "reexecute":
            return False
        if self.settings.drift == "raise":
            raise StepDrift(
                self.run_id,
                "/".join(scope.path),
                "the journal has another input for this step.",
                expected="the same input as in the attempt before",
                came="another one",
                do="make the program deterministic (record time, random numbers and the like "
                "with durable.step), or use drift='reuse'",
            )
        self.counts.drifted += 1
        return True

    def _doubt(self, scope: Scope, recorded: Recorded) -> None:
        policy = (scope.attributes or {}).get(IN_DOUBT, "retry")
        if policy == "retry":
            return
        step = self.tree.resolve(scope).id.hex()
        raise StepInDoubt(
            self.run_id,
            "/".join(scope.path),
            f"tool {scope.name!r} was in flight when attempt {recorded.attempt} ended; its "
            "effect may have happened.",
            expected=f"a decision, because its policy is {policy!r}",
            came="an intent without a result",
            do=f"look at the effect; then durable.resolve({self.run_id!r}, {step!r}, value) to "
            f"record its result, or durable.resolve({self.run_id!r}, {step!r}) to let it run again",
        )

    def _id(self, scope: Scope) -> bytes:
        node = scope.node
        return node.id if node is not None else self.tree.resolve(scope).id

    def _bind(self, scope: Scope) -> bytes:
        return bind(self.run_id, self._id(scope))

    def check(self) -> None:
        """Raise if this attempt may not go on."""
        self._check()

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.cancelled:
            raise RunCancelled(
                self.run_id,
                "it was cancelled.",
                expected="a run that may go on",
                came="a cancel",
                do="call it again with the same input, or durable.resume, to reopen it",
            )

    # -- recording ------------------------------------------------------------------

    def start(self, scope: Scope, *, inputs: Any = None) -> Ticket[None]:
        """Record that a step is about to be made. Only a tool waits for the answer."""
        assert scope.kind is not None  # only steps are started
        step, time = self._id(scope), self.settings.clock()
        told = self.trace.start_step(scope, time)
        event = StepStarted(
            step=step,
            kind=scope.kind,
            name=scope.name,
            time=time,
            span_id=scope.span_id,
            parent_span_id=scope.parent_span_id,
            nodes=self.tree.declare(scope),
            attributes={**scope.attributes, **told} if scope.attributes else told,
        )
        payload = None if inputs is None else self._encode_input(scope, inputs)
        ticket = self._append(event, payload)
        return ticket if scope.kind is StepKind.TOOL else SETTLED

    def complete(
        self,
        scope: Scope,
        value: Any,
        usage: Usage | None = None,
        told: Attributes | None = None,
    ) -> Ticket[None]:
        """Record a step's result; the ticket is the acknowledgement.

        ``told`` is what its span says of it.
        """
        self.counts.executed += 1
        try:
            payload = self.codec.encode(value, bind=self._bind(scope))
        except Unjournalable as exc:
            self._warn_unrecorded(scope, exc)
            event = self._ended(scope, Outcome.COMPLETED, told, usage=usage, recorded=False)
            return self._acknowledged(self._append(event))
        except DurableError as exc:
            self.broken = exc
            raise
        event = self._ended(scope, Outcome.COMPLETED, told, usage=usage)
        return self._acknowledged(self._append(event, payload))

    def fail(
        self, scope: Scope, exc: BaseException, outcome: Outcome, *, handled: bool = False
    ) -> Ticket[None]:
        """Record that a step ended without a result; ``handled``: its error is as good as one."""
        self.counts.executed += 1
        step = self._id(scope)
        if outcome is Outcome.FAILED:
            self._failed[step] = exc
        event = self._ended(scope, outcome, error=describe(exc), handled=handled)
        return self._acknowledged(self._append(event))

    def _ended(
        self,
        scope: Scope,
        outcome: Outcome,
        told: Attributes | None = None,
        *,
        usage: Usage | None = None,
        handled: bool = False,
        **more: Any,
    ) -> StepEnded:
        """How a step ended: the entry, and its span, which says the same."""
        attributes: dict[str, Any] = self.trace.told_end(scope, told or {}, usage)
        if handled:
            attributes[HANDLED] = True
        event = StepEnded(
            step=self._id(scope),
            outcome=outcome,
            time=self.settings.clock(),
            usage=usage,
            attributes=attributes,
            **more,
        )
        self.trace.end_step(scope, event, told or {})
        return event

    def _acknowledged(self, ticket: Ticket[None]) -> Ticket[None]:
        return ticket if self.settings.durability == "sync" else SETTLED

    def _warn_unrecorded(self, scope: Scope, exc: Unjournalable) -> None:
        self.counts.unrecorded += 1
        warnings.warn(
            f"Run {self.run_id!r}: the result of {'/'.join(scope.path)} cannot be journaled and "
            f"this step will run again after a crash. {exc}",
            DurableWarning,
            stacklevel=2,
        )

    def _encode_input(self, scope: Scope, inputs: Any) -> bytes | None:
        try:
            return self.codec.encode(inputs, bind=bind(self.run_id, self._id(scope), ARGUMENTS))
        except DurableError:
            return None  # an input is for people; the step itself does not depend on it

    def _append(
        self, event: Event, payload: bytes | None = None, *, close: Close | None = None
    ) -> Ticket[None]:
        draft: Draft = encode_event(event, payload=payload)
        with self._lock:
            if self.broken is not None:
                raise self.broken
            if self.closed and close is None:
                return SETTLED  # a call that outlived its run, as a task of a failed gather does
            # recall() has refused live steps of an attempt that has neither
            assert self.store is not None
            assert self.lease is not None
            self._seq += 1
            return self.store.append(self.lease, [draft], seq=self._seq, close=close)

    def settle(self, ticket: Ticket[None]) -> Procedure[None]:
        """Wait until a record is acknowledged. If it cannot be, the run stops here."""
        if ticket is SETTLED:
            return
        try:
            yield ticket
        except DurableError as exc:
            self.broken = exc
            raise

    # -- the end --------------------------------------------------------------------

    def end(
        self,
        status: RunStatus,
        *,
        reason: str = "",
        error: BaseException | None = None,
        payload: bytes | None = None,
    ) -> Ticket[None]:
        """Give the run back with its new status. Nothing is written for a replayed run."""
        if self.closed or self.lease is None:
            self.closed = True
            return SETTLED
        self.closed = True
        event = self.trace.end(
            AttemptEnded(
                status=status,
                time=self.settings.clock(),
                reason=reason,
                error=describe(error) if error is not None else None,
                fatal=self._fatal(error),
                attributes={REPLAYED: self.counts.replayed} if self.counts.replayed else {},
            )
        )
        return self._append(event, payload, close=Close(status=status, reason=reason))

    def _fatal(self, error: BaseException | None) -> tuple[bytes, ...]:
        """The failed steps whose error is the one that left the root, or led to it."""
        chain = {id(exc) for exc in causes(error)}
        return tuple(step for step, exc in self._failed.items() if id(exc) in chain)


def bind(run_id: str, step: bytes, what: str = "step") -> bytes:
    """What an encrypted payload is tied to: it cannot be moved to another run or place."""
    return f"{what}\0{run_id}\0".encode() + step
