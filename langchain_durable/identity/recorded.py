"""What earlier attempts recorded of one node of the step tree, and of its siblings."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from langchain_durable.events import ErrorInfo, Node, Outcome, StepKind

ROOT = b""
UNKNOWN = b""
"""The fingerprint of an input that could not be seen, such as that of a streamed chain."""


@dataclass(slots=True)
class Recorded:
    """A node that earlier attempts have declared, and how its step ended if it is one."""

    node: Node
    claimed: bool = False
    kind: StepKind | None = None
    name: str = ""
    outcome: Outcome | None = None
    payload: bytes | None = None
    attempt: int = 0
    error: ErrorInfo | None = None
    ended: int = 0
    ended_seq: int = 0
    ended_after: int = 0
    """Nanoseconds from its attempt's begin to its end: no timer of that attempt took longer."""
    entered: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By attempt: sequence number and time of the first record at this node or beneath it."""
    fatal: bool = False
    handled: bool = False
    numbers: Mapping[str, int] | None = None
    in_doubt: bool = False
    span_id: str = ""
    cost: str | None = None
    children: dict[str, Siblings] = field(default_factory=dict)
    open_steps: int = 0
    """Steps at this node or beneath it that were under way, while the journal is read."""

    @property
    def doubtful(self) -> bool:
        """Was it under way when its attempt ended? Its effect may have happened, or not."""
        return self.in_doubt or self.outcome is Outcome.CANCELLED

    @property
    def left(self) -> bool:
        """Is this a stream that was not read to its end, with what it had given until then?"""
        return self.outcome is Outcome.CANCELLED and self.payload is not None

    @property
    def given_up(self) -> bool:
        """Was its task cancelled, or its stream left? Not by a signal, which nobody repeats."""
        cancelled = self.error is not None and self.error.qualname == "CancelledError"
        return self.outcome is Outcome.CANCELLED and (cancelled or self.left)

    def costs(self) -> Iterator[str]:
        """What the calls at this node and beneath it have cost, in USD."""
        if self.cost is not None:
            yield self.cost
        for siblings in self.children.values():
            for node in siblings.nodes:
                yield from node.costs()


@dataclass(slots=True)
class Siblings:
    """The nodes of one label under one parent, in the order in which they were declared.

    ``concurrent``: two of them were under way at once, so their order of arrival says nothing.
    """

    nodes: list[Recorded] = field(default_factory=list)
    open_steps: int = 0
    concurrent: bool = False
    _taken: set[int] = field(default_factory=set)
    """Ordinals that calls of this attempt took, which no earlier attempt had made."""
    _beyond: int = 0
    """No ordinal below this one is looked for again: a batch may have thousands of new calls."""
    _places: dict[int, Recorded] = field(default_factory=dict)
    _alike: dict[bytes, deque[Recorded]] = field(default_factory=dict)
    """Nodes that may be free yet, by their fingerprint."""

    def at(self, ordinal: int) -> Recorded | None:
        """The node at a place, claimed or not."""
        self._sort()
        return self._places.get(ordinal)

    def first_free(self, fingerprint: bytes) -> Recorded | None:
        """The first unclaimed node with an input of this fingerprint."""
        self._sort()
        alike = self._alike.get(fingerprint)
        while alike:
            if not alike[0].claimed:
                return alike[0]
            alike.popleft()  # nothing that is claimed becomes free again
        return None

    def take_new(self, ordinal: int) -> int:
        """Take a place that no call has had: this one, or else the next one that is free."""
        self._sort()
        if ordinal in self._places or ordinal in self._taken:
            ordinal = max(ordinal, self._beyond)
            while ordinal in self._places or ordinal in self._taken:
                ordinal += 1
            self._beyond = ordinal + 1
        self._taken.add(ordinal)
        return ordinal

    def _sort(self) -> None:
        """Look-ups are made when the first is asked for: most of a long journal never is."""
        for node in self.nodes[len(self._places) :]:
            self._places[node.node.ordinal] = node
            self._alike.setdefault(node.node.fingerprint, deque()).append(node)
