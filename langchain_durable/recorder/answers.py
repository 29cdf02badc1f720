"""What the journal has for the steps of a run, and when it is an answer."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

from langchain_durable.codec import Codec
from langchain_durable.errors import (
    DurableError,
    DurableWarning,
)
from langchain_durable.events import Outcome, StepKind
from langchain_durable.identity.index import Index
from langchain_durable.identity.recorded import Recorded
from langchain_durable.identity.tree import Scope, Tree
from langchain_durable.journal import Lease
from langchain_durable.recorder.failures import CHUNKS, is_missing, rebuild, stand_in
from langchain_durable.recorder.given_up import MARGIN, GivenUp
from langchain_durable.recorder.refusals import cancelled, drifted, in_doubt, unanswered
from langchain_durable.recorder.settings import Settings
from langchain_durable.tracing import AttemptTrace
from langchain_durable.waiting import Procedure

logger = logging.getLogger(__name__)

IN_DOUBT = "durable_in_doubt"
"""Key of a tool's metadata that holds its in-doubt policy: ``retry``, ``ask`` or ``fail``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the journal has for a step: the recorded value."""

    value: Any


ERROR = "error"
"""What the parts of a failed step's error are bound to."""

LEFT = "left"
"""What the chunks of a stream that was left are bound to."""


@dataclass(slots=True)
class Counts:
    """What this attempt did, for people and for metrics."""

    executed: int = 0
    replayed: int = 0
    drifted: int = 0


class Answers:
    """Answers the steps of one attempt from the journal, or says that they must be made.

    ``journaled``: what steps give is written down, and not only told of.
    ``lease`` is None for a run that is completed and only replayed: then every step must
    be in the journal. ``given`` is the input of the call that the attempt is for, and
    ``input_print`` the fingerprint of the run's, which an earlier attempt may have said.
    """

    journaled = True

    def __init__(self, *, run_id: str, codec: Codec, settings: Settings, tree: Tree) -> None:
        self.run_id = run_id
        self.codec = codec
        self.settings = settings
        self.tree = tree
        self.metering = settings.telemetry.metering
        self.trace = AttemptTrace(settings.telemetry, run_id, settings.random_hex)
        self.lease: Lease | None = None
        self.given: Any = None
        self.input_print = b""
        self.versioned = False
        self.index: Index | None = None
        self.counts = Counts()
        self.cancelled = False
        self.closed = False
        self.broken: DurableError | None = None
        self.refusal: DurableError | None = None

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

    def recall(self, scope: Scope) -> Answer | GivenUp | None:
        """The recorded answer to a step, or None if it has to be made.

        Raises the recorded error, if the program went on after it.
        """
        self.check()
        self.tree.resolve(scope)
        recorded = scope.recorded
        answer = self._answer(scope, recorded) if recorded is not None else None
        if answer is None:
            self._let_run(scope)
        elif isinstance(answer, Answer):
            self._replayed(scope)
        return answer

    def give_up_again(self, scope: Scope, given_up: GivenUp) -> Procedure[None]:
        """Wait for the program to give a call up, as it did before.

        Returns if it does not: then the call has to be made.
        """
        logger.info(
            "run %r: %s was given up in an earlier attempt; waiting up to %.1f s for that again",
            self.run_id,
            "/".join(scope.path),
            given_up.seconds,
        )
        try:
            yield given_up
        except BaseException:
            self._replayed(scope)
            raise
        self.check()
        self._let_run(scope)

    def carries(self, value: Any) -> bool:
        """Can the journal carry a value, so that it comes back as it is?"""
        return self.codec.carries(value)

    def error_of(self, scope: Scope, recorded: Recorded) -> Exception | None:
        """The error that a step failed with; None if it cannot be raised again here.

        Its scope is given the chunks that came before the error.
        """
        if recorded.error is None:
            return None
        kept: Any = {}
        if recorded.payload is not None:
            kept = self.codec.decode(recorded.payload, bind=self._bind(scope, ERROR))
        if type(kept) is not dict:
            return None
        scope.chunks = kept.get(CHUNKS)
        return rebuild(recorded.error, kept)

    def _replayed(self, scope: Scope) -> None:
        self.counts.replayed += 1
        self.trace.replayed(scope)

    def _answer(self, scope: Scope, recorded: Recorded) -> Answer | GivenUp | None:
        if recorded.outcome is Outcome.COMPLETED:
            if recorded.payload is None or not self._takes(scope):
                return None
            return Answer(self.codec.decode(recorded.payload, bind=self._bind(scope)))
        if not self._survived(recorded):
            return None
        if recorded.outcome is Outcome.FAILED:
            if self._takes(scope):
                self._raise_again(scope, recorded)
        elif recorded.given_up and self._takes(scope):
            return self._given_up(scope, recorded)
        return None

    def _survived(self, recorded: Recorded) -> bool:
        """Did the program go on after a step that gave no result? In a completed run it did."""
        if self.lease is None:
            return not recorded.fatal
        return self.index is not None and self.index.went_on_after(recorded)

    def _raise_again(self, scope: Scope, recorded: Recorded) -> None:
        error = self.error_of(scope, recorded)
        if error is None and recorded.error is not None and self._needs_stand_in(recorded):
            error = stand_in(recorded.error, run_id=self.run_id, step="/".join(scope.path))
        if error is not None:
            self.counts.replayed += 1
            raise error

    def _needs_stand_in(self, recorded: Recorded) -> bool:
        """Is another error better than the same one again, from a call that is made again?

        Not for a handler that knows its error by the class. A class that is never the same, as
        one made in a function, or an error whose parts were not kept, is had by a call only.
        """
        if recorded.handled or recorded.error is None:
            return False
        return self.lease is None or is_missing(recorded.error)

    def _given_up(self, scope: Scope, recorded: Recorded) -> GivenUp:
        chunks = None
        if recorded.payload is not None:
            chunks = self.codec.decode(recorded.payload, bind=self._bind(scope, LEFT))
        return GivenUp(recorded.ended_after / 1e9 + MARGIN, chunks)

    def _takes(self, scope: Scope) -> bool:
        """Is what is recorded for a step an answer to it, although its input may differ?"""
        if not scope.drift:
            return True
        if self.settings.drift == "reexecute":
            return False
        path = "/".join(scope.path)
        if self.settings.drift == "raise":
            raise drifted(self.run_id, path)
        if not self.counts.drifted and not self.versioned:
            self._warn_of_drift(path)
        self.counts.drifted += 1
        return True

    def _warn_of_drift(self, path: str) -> None:
        warnings.warn(
            f"Run {self.run_id!r}: {path} has another input than in an earlier attempt, and is "
            "answered with what is recorded for that one. If the program was edited: give it a "
            "version (version=), a new one with each edit, and only calls with equal inputs are "
            "answered; or set drift='reexecute' or 'raise'. If the input has the time or a random "
            "number in it: record these with durable.step.",
            DurableWarning,
            stacklevel=2,
        )

    def _let_run(self, scope: Scope) -> None:
        """Raise if a step that has no answer may not be made either."""
        recorded = scope.recorded
        if self.lease is None:
            raise unanswered(self.run_id, "/".join(scope.path), recorded)
        if recorded is None or scope.kind is not StepKind.TOOL:
            return
        if recorded.doubtful:
            self._doubt(scope, recorded)

    def _doubt(self, scope: Scope, recorded: Recorded) -> None:
        policy = (scope.attributes or {}).get(IN_DOUBT, "retry")
        if policy == "retry":
            return
        step = self.tree.resolve(scope).id.hex()
        raise in_doubt(self.run_id, scope, step, recorded.attempt, policy)

    def _id(self, scope: Scope) -> bytes:
        return (scope.node or self.tree.resolve(scope)).id

    def _bind(self, scope: Scope, what: str = "step") -> bytes:
        node = scope.node or self.tree.resolve(scope)
        return bind(self.run_id, node.id, what)

    def check(self) -> None:
        """Raise if this attempt may not go on."""
        if self.broken is not None:
            raise self.broken
        if self.refusal is not None:
            raise self.refusal
        if self.cancelled:
            self.refuse(cancelled(self.run_id))

    def refuse(self, why: DurableError) -> NoReturn:
        """Raise for a step that may not be made, and for every further one, and at the end.

        Programs swallow errors, and middleware tries again: neither may get around a refusal.
        """
        self.refusal = why
        raise why


def bind(run_id: str, step: bytes, what: str = "step") -> bytes:
    """What an encrypted payload is tied to: it cannot be moved to another run or place."""
    return f"{what}\0{run_id}\0".encode() + step
