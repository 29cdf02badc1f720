"""What happened in a run, as frozen records.

An *event* is what happened; an *entry* is an event with its place in the journal
(sequence number and attempt). Times are nanoseconds since the epoch, UTC, from the
clock of the process that wrote them. Span and trace ids are the hexadecimal strings of
the W3C trace context (16 and 32 digits).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class StepKind(StrEnum):
    """What kind of call a step is."""

    MODEL = "model"
    TOOL = "tool"
    RETRIEVER = "retriever"
    FUNCTION = "function"


class Outcome(StrEnum):
    """How a step ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Is it over, unless somebody opens it again?"""
        return self in _ENDED


_ENDED = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An exception as the journal knows it: enough to say it, and to rebuild a known class."""

    module: str
    qualname: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of one model call, as LangChain's ``usage_metadata`` counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_details: dict[str, int] = field(default_factory=dict)
    output_details: dict[str, int] = field(default_factory=dict)


MOST_TOKENS = 1_000_000_000
"""No call has more tokens; a larger number is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedUsage(Usage):
    """What a provider reported where ``came``, its input and output, are no numbers of tokens.

    It counts as none, and the journal has zeros; but who sets the call's price must know.
    """

    came: tuple[Any, Any]


class Node(NamedTuple):  # not a dataclass: a long run has thousands, and they take time to make
    """One node of the step tree: a step, or a chain between the root and a step.

    ``id`` is a hash of the parent's id, ``label`` and ``ordinal``; the parent of a
    top-level node is ``b""``. ``fingerprint`` is that of the node's input.
    """

    id: bytes
    parent: bytes
    label: str
    ordinal: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """A process took the run's lease."""

    time: int
    owner: str
    span_id: str
    trace_id: str = ""
    linked_trace_id: str = ""
    linked_span_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A call is about to be made. ``nodes`` declares the tree down to it, new nodes only."""

    step: bytes
    kind: StepKind
    name: str
    time: int
    span_id: str
    parent_span_id: str
    nodes: tuple[Node, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


COST = "cost"
"""Attribute of a model call that has a price: USD, as a decimal text."""

HANDLED = "handled"
"""Attribute of a failed step whose error was taken for its result, and never left it."""

ASKS = "interrupt"
"""The reason of a pause that a person's answer ends."""

NUMBERS = "numbers"
"""Attribute of a failed step: how many numbers it took from the graph's node that it ran in."""

BREAKPOINTS = "breakpoints"
"""Attribute of an attempt that stopped at static breakpoints: the ids of the checkpoints there."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """What a paused run asks a person; ``id`` is the one that an answer to it may name.

    LangGraph's record of the same name, for those who read a run without LangGraph.
    """

    id: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """A call has ended. The value, if there is one, is the entry's payload."""

    step: bytes
    outcome: Outcome
    time: int
    error: ErrorInfo | None = None
    usage: Usage | None = None
    recorded: bool = True
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """The attempt gave the run back. The payload is the result of a run that completed, and of
    one that asks a person, its questions.

    ``fatal`` are the failed steps whose error left the root: they run again when the
    run is reopened, all other recorded errors are replayed.
    """

    status: RunStatus
    time: int
    reason: str = ""
    error: ErrorInfo | None = None
    fatal: tuple[bytes, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Did it end with a question to a person?"""
        return self.status is RunStatus.PAUSED and self.reason == ASKS


Event = AttemptStarted | StepStarted | StepEnded | AttemptEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event in its place: sequence number, attempt, and the undecoded payload."""

    seq: int
    attempt: int
    event: Event
    payload: bytes | None = field(default=None, repr=False)
