"""One attempt: the process's execution of a run, and the only place that records steps."""

from __future__ import annotations

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Hashable
from time import perf_counter
from typing import Any

from langchain_durable.codec import Codec, encode_event
from langchain_durable.errors import (
    DurableError,
    DurableWarning,
    RunFenced,
)
from langchain_durable.events import (
    BREAKPOINTS,
    HANDLED,
    NUMBERS,
    AttemptEnded,
    Event,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.identity.index import Index
from langchain_durable.identity.tree import Scope, Tree
from langchain_durable.journal import Close, Lease, Store
from langchain_durable.recorder.answers import LEFT, Answers
from langchain_durable.recorder.failures import causes
from langchain_durable.recorder.payloads import Instead, Payloads
from langchain_durable.recorder.records import SETTLED, Records
from langchain_durable.recorder.settings import Settings
from langchain_durable.recorder.stops import Stop
from langchain_durable.spans.outcomes import describe
from langchain_durable.spans.runs import REPLAYED
from langchain_durable.spans.start import Attributes
from langchain_durable.waiting import Procedure, Ticket

ARGUMENTS = "arguments"


class Attempt(Answers):
    """Answers steps from the journal, and records those that are made.

    ``unread``: it is a stream that waits for its reader. ``forked``: we are in the child of a
    fork, and the run is its parent's.
    """

    def __init__(self, *, run_id: str, codec: Codec, settings: Settings, tree: Tree) -> None:
        super().__init__(run_id=run_id, codec=codec, settings=settings, tree=tree)
        self.number = 0
        self.stops: dict[Hashable, Stop] = {}
        """The graphs that wait for a person."""
        self.warned = False
        self.forked = False
        self.unread = False
        self.opener: Callable[[], Procedure[None]] | None = None
        self._payloads = Payloads(codec, run_id)
        self._records = Records()
        self._starting = threading.RLock()
        self._failed: dict[bytes, BaseException] = {}

    def forget_parent(self) -> None:
        """In a forked child: the run is its parent's, who goes on recording it."""
        self.forked = self.closed = True
        self.warned = False
        self._records.forget_parent()
        self._starting = threading.RLock()

    def opened(
        self, store: Store, lease: Lease | None, index: Index | None, *, drift_ok: bool
    ) -> None:
        """Start to record under ``lease``, after what ``index`` knows."""
        self._records.opened(store, lease)
        self.lease = lease
        if lease is not None:
            self.number = lease.attempt
        if index is not None:
            self.index = index
            self.tree.follow(index.root, drift_ok=drift_ok)

    @property
    def interrupted(self) -> bool:
        """Does the program wait for a person?"""
        return bool(self.stops)

    def ready(self) -> Procedure[None]:
        """Wait until the lease is there, where it is taken by the first step (callbacks)."""
        if self.opener is not None:
            yield from self.opener()

    # -- recording ------------------------------------------------------------------

    def start(self, scope: Scope, *, inputs: Any = None) -> Ticket[None]:
        """Record that a step is about to be made. Only a tool waits for the answer."""
        assert scope.kind is not None  # only steps are started
        step, time = self._id(scope), self.settings.clock()
        told = self.trace.start_step(scope, time)
        payload = None if inputs is None else self._payloads.beside(step, ARGUMENTS, inputs)
        # A chain is declared with its first step. A sibling in another thread counts on that, so
        # its record must not overtake this one.
        with self._starting:
            self.trace.note_begun(told)
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
            ticket = self._append(event, payload)
        return ticket if scope.kind is StepKind.TOOL else SETTLED

    def complete(
        self,
        scope: Scope,
        value: Any,
        usage: Usage | None = None,
        told: Attributes | None = None,
        *,
        refused: Exception | None = None,
        instead: Instead | None = None,
    ) -> Ticket[None]:
        """Record a step's result; the ticket is the acknowledgement.

        ``told`` is what its span says of it. ``refused``: why there is no value to write down,
        although the call gave its result. Whatever cannot be written costs the run nothing now.
        ``instead`` makes what will do of a value that the journal does not carry, if anything.
        """
        self.counts.executed += 1
        payload = None
        if refused is None:
            payload, refused = self._payloads.of_result(self._id(scope), value, instead)
        if refused is not None:
            self._warn_unrecorded(scope, refused)
        done, kept = Outcome.COMPLETED, refused is None
        return self._acknowledged(self._end(scope, done, payload, told, usage=usage, recorded=kept))

    def fail(
        self,
        scope: Scope,
        exc: BaseException,
        outcome: Outcome,
        *,
        handled: bool = False,
        chunks: Any = None,
    ) -> Ticket[None]:
        """Record that a step ended without a result; ``handled``: its error is as good as one.

        ``chunks`` are those that a stream had given by then.
        """
        self.counts.executed += 1
        step = self._id(scope)
        info, payload = describe(exc), None
        if outcome is Outcome.FAILED:
            self._failed[step] = exc
            payload = self._payloads.of_error(step, exc, info, chunks)
        ticket = self._end(scope, outcome, payload, error=info, handled=handled)
        return self._acknowledged(ticket)

    def leave(self, scope: Scope, exc: BaseException, chunks: Any, last: int) -> None:
        """Record that a stream was not read to its end; ``last`` is when its last chunk came."""
        self.counts.executed += 1
        payload = self._payloads.beside(self._id(scope), LEFT, chunks)
        time = last if isinstance(exc, GeneratorExit) else 0
        self._end(scope, Outcome.CANCELLED, payload, error=describe(exc), time=time)

    def _end(
        self,
        scope: Scope,
        outcome: Outcome,
        payload: bytes | None,
        told: Attributes | None = None,
        *,
        usage: Usage | None = None,
        handled: bool = False,
        time: int = 0,
        **more: Any,
    ) -> Ticket[None]:
        """Record how a step ended, then close its span, which says the same.

        In this order: a backend must not show the end of a step that its journal takes for open.
        """
        attributes: dict[str, Any] = self.trace.told_end(scope, told, usage)
        if handled:
            attributes[HANDLED] = True
        if scope.numbers and outcome is Outcome.FAILED:
            attributes[NUMBERS] = dict(Counter(scope.numbers))
        ended = time or self.settings.clock()
        event = StepEnded(
            step=self._id(scope),
            outcome=outcome,
            # A clock may be set back meanwhile, and nothing ends before it began.
            time=ended if ended > scope.entered else scope.entered,
            usage=usage,
            attributes=attributes,
            **more,
        )
        try:
            return self._append(event, payload)
        finally:
            self.trace.end_step(scope, event, told or {})

    def _acknowledged(self, ticket: Ticket[None]) -> Ticket[None]:
        return ticket if self.settings.durability == "sync" else SETTLED

    def _warn_unrecorded(self, scope: Scope, exc: Exception) -> None:
        why = exc if isinstance(exc, DurableError) else f"{type(exc).__name__}: {exc}"
        warnings.warn(
            f"Run {self.run_id!r}: the result of {'/'.join(scope.path)} cannot be journaled and "
            f"this step will run again after a crash. {why}",
            DurableWarning,
            stacklevel=2,
        )

    def _append(
        self, event: Event, payload: bytes | None = None, *, close: Close | None = None
    ) -> Ticket[None]:
        return self._records.append(encode_event(event, payload=payload), close, self._is_wanted)

    def _is_wanted(self, close: Close | None) -> bool:
        """Is a record still wanted? Not of a call that outlived its run, as a task may."""
        if self.broken is not None:
            raise self.broken
        return not self.closed or close is not None

    def settle(self, ticket: Ticket[None]) -> Procedure[None]:
        """Wait until a record is acknowledged. If it cannot be, the run stops here."""
        if ticket is SETTLED:
            return
        since = perf_counter()
        try:
            yield ticket
        except DurableError as exc:
            self.stop(exc)
            raise
        if self.metering.heard is not None:
            self.metering.waited(since)

    def stop(self, exc: DurableError) -> None:
        """Record nothing more: the journal is lost to this attempt."""
        if isinstance(exc, RunFenced) and self.broken is None:
            self.metering.lease_lost()
        self.broken = exc

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
        event = self.ending(status, reason=reason, error=error)
        return SETTLED if event is None else self.give_back(event, payload)

    def ending(
        self, status: RunStatus, *, reason: str = "", error: BaseException | None = None
    ) -> AttemptEnded | None:
        """Record no more steps, and say how it ended; None for a replayed run."""
        if self.closed or self.lease is None:
            self.closed = True
            return None
        self.closed = True
        return self.trace.told_ended(
            AttemptEnded(
                status=status,
                time=self.settings.clock(),
                reason=reason,
                error=describe(error) if error is not None else None,
                fatal=self._fatal(error),
                attributes=self._told(),
            )
        )

    def give_back(self, event: AttemptEnded, payload: bytes | None = None) -> Ticket[None]:
        """Record the end that :meth:`ending` made, and close the attempt's spans."""
        try:
            close = Close(status=event.status, reason=event.reason)
            return self._append(event, payload, close=close)
        finally:
            self.trace.end(event)

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = {REPLAYED: self.counts.replayed} if self.counts.replayed else {}
        if breakpoints := sorted(filter(None, (stop.checkpoint for stop in self.stops.values()))):
            told[BREAKPOINTS] = breakpoints
        return told

    def _fatal(self, error: BaseException | None) -> tuple[bytes, ...]:
        """The failed steps whose error is the one that left the root, or led to it."""
        chain = {id(exc) for exc in causes(error)}
        return tuple(step for step, exc in self._failed.items() if id(exc) in chain)
