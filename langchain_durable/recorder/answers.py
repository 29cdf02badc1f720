"""What the journal has for the steps of a run, and when it is an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_durable.codec import Codec
from langchain_durable.errors import (
    DurableError,
    ReplayedError,
    RunCancelled,
    RunCompleted,
    StepDrift,
    StepInDoubt,
)
from langchain_durable.events import Outcome, StepKind
from langchain_durable.identity.matching import Index, Recorded
from langchain_durable.identity.tree import Scope, Tree
from langchain_durable.journal import Lease
from langchain_durable.recorder.failures import rebuild
from langchain_durable.recorder.settings import Settings
from langchain_durable.tracing import AttemptTrace

IN_DOUBT = "durable_in_doubt"
"""Key of a tool's metadata that holds its in-doubt policy: ``retry``, ``ask`` or ``fail``."""


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


class Answers:
    """Answers the steps of one attempt from the journal, or says that they must be made.

    ``lease`` is None for a run that is completed and only replayed: then every step must
    be in the journal.
    """

    def __init__(self, *, run_id: str, codec: Codec, settings: Settings, tree: Tree) -> None:
        self.run_id = run_id
        self.codec = codec
        self.settings = settings
        self.tree = tree
        self.metering = settings.telemetry.metering
        self.trace = AttemptTrace(settings.telemetry, run_id, settings.random_hex)
        self.lease: Lease | None = None
        self.index: Index | None = None
        self.counts = Counts()
        self.cancelled = False
        self.closed = False
        self.broken: DurableError | None = None

    @property
    def resumed(self) -> bool:
        """Did an earlier attempt leave something to replay?"""
        return self.index is not None and len(self.index) > 0

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
            self.trace.replayed(scope)
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


def bind(run_id: str, step: bytes, what: str = "step") -> bytes:
    """What an encrypted payload is tied to: it cannot be moved to another run or place."""
    return f"{what}\0{run_id}\0".encode() + step
