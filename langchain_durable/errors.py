"""The errors that langchain-durable raises, as one tree.

    DurableError
    ├── InvalidRunId                 also a ValueError
    ├── ConfigurationError           also a ValueError
    ├── MissingExtra                 also an ImportError
    ├── IncompatibleVersion          LangChain or LangGraph lacks something we stand on
    ├── RunError                     has .run_id
    │   ├── RunNotFound              also a LookupError
    │   ├── RunBusy                  another attempt is alive
    │   ├── RunCompleted             a new call was made in a run that has its result
    │   ├── RunInputMismatch         the id was used before with another input
    │   ├── RunExpired               the journal's time to live is over
    │   ├── RunCancelled
    │   ├── RunCrashLoop             too many attempts died without one new entry
    │   ├── RunNotActive             a call that only makes sense inside a run
    │   └── RunFenced                another attempt took the run over
    ├── StepError                    has .run_id and .step
    │   ├── StepInDoubt              started in an attempt that died, policy is not "retry"
    │   ├── StepDrift                the recorded step had another input
    │   ├── StreamCut                also a ConnectionError: the stream had no finish reason
    │   └── ReplayedError            a recorded error whose own class cannot be rebuilt
    ├── CodecError
    │   ├── Unjournalable            a value that the journal does not carry
    │   └── ValueTooLarge
    └── JournalError
        ├── JournalUnavailable       also a ConnectionError
        ├── JournalReadOnly
        ├── JournalGap               the server lost acknowledged entries (a failover)
        ├── JournalCorrupt           a record that is not ours, or was damaged
        ├── JournalTooNew            written by a newer release
        └── ServerError              the embedded server, or an unsafe one

Every message says what was expected, what came, and what to do.
"""

from __future__ import annotations


class DurableError(Exception):
    """Base class: catch it to catch everything that is ours.

    ``expected``, ``came`` and ``do`` are the parts of the message, for programs
    that print it in their own way.
    """

    def __init__(self, what: str, *, expected: str = "", came: str = "", do: str = "") -> None:
        self.what = what
        self.expected = expected
        self.came = came
        self.do = do
        super().__init__(f"{self.problem()} Do: {do}." if do else self.problem())

    def problem(self) -> str:
        """The message without what to do."""
        parts = [self.what]
        if self.expected:
            parts.append(f"Expected: {self.expected}.")
        if self.came:
            parts.append(f"Came: {self.came.rstrip('.')}.")
        return " ".join(parts)


class InvalidRunId(DurableError, ValueError):
    """The run id cannot be a key: empty, too long, or with control characters."""


class ConfigurationError(DurableError, ValueError):
    """An option has a value that makes no sense."""


class MissingExtra(DurableError, ImportError):
    """A feature needs an extra that is not installed; the message says how to install it."""


class IncompatibleVersion(DurableError):
    """An installed LangChain or LangGraph lacks a function that interception stands on."""


class RunError(DurableError):
    """Something about one run."""

    def __init__(
        self, run_id: str, what: str, *, expected: str = "", came: str = "", do: str = ""
    ) -> None:
        self.run_id = run_id
        named = f"Run {run_id!r}: {what}" if run_id else what
        super().__init__(named, expected=expected, came=came, do=do)


class RunNotFound(RunError, LookupError):
    """No run has this id."""


class RunBusy(RunError):
    """Another attempt of this run is alive, here or in another process."""


class RunCompleted(RunError):
    """The run has its result, and the program asked for a call that it never made."""


class RunInputMismatch(RunError):
    """The run was started with another input; a new turn is a new run."""


class RunExpired(RunError):
    """The run is known, but its journal has reached its time to live."""


class RunCancelled(RunError):
    """The run was cancelled."""


class RunCrashLoop(RunError):
    """Too many attempts in a row died without adding one entry."""


class RunNotActive(RunError):
    """No run is active here."""


class RunFenced(RunError):
    """Another attempt took this run over; this one may not write any more."""


class StepError(DurableError):
    """Something about one step of a run."""

    def __init__(
        self,
        run_id: str,
        step: str,
        what: str,
        *,
        expected: str = "",
        came: str = "",
        do: str = "",
    ) -> None:
        self.run_id = run_id
        self.step = step
        super().__init__(
            f"Run {run_id!r}, step {step!r}: {what}", expected=expected, came=came, do=do
        )


class StepInDoubt(StepError):
    """An attempt died while this step was in flight, and its policy forbids a silent retry."""


class StepDrift(StepError):
    """The step stands where a recorded one stood, with another input (``drift="raise"``)."""


class StreamCut(StepError, ConnectionError):
    """A model's stream ended without a finish reason: the connection was cut."""


class ReplayedError(StepError):
    """Stands for a recorded error whose class is not importable here."""


class CodecError(DurableError):
    """A value and its bytes."""


class Unjournalable(CodecError, TypeError):
    """The journal does not carry values of this type."""


class ValueTooLarge(CodecError, ValueError):
    """A value is over the size cap."""


class JournalError(DurableError):
    """The journal or the server it lives on."""


class JournalUnavailable(JournalError, ConnectionError):
    """The server cannot be reached, also after retries."""


class JournalReadOnly(JournalError):
    """The server refuses writes: a replica, or a full disk."""


class JournalGap(JournalError):
    """The server lost entries that it had acknowledged, as after a failover."""


class JournalCorrupt(JournalError):
    """A record that is damaged, foreign or hostile: refused, never executed."""

    def __init__(
        self,
        what: str,
        *,
        expected: str = "",
        came: str = "",
        do: str = "restore the journal from a backup, or delete the run and begin it anew",
    ) -> None:
        super().__init__(what, expected=expected, came=came, do=do)


class JournalTooNew(JournalError):
    """A record written by a newer release of langchain-durable."""


class ServerError(JournalError):
    """The embedded server did not start, or a server found is unsafe for a journal."""


class ExportFailed(DurableError, ConnectionError):
    """The spans did not arrive; they are still in the journal, and can be sent again."""


class DurableWarning(UserWarning):
    """Something is not as durable as its user may believe."""
