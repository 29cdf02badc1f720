"""The step tree of the attempts that came before, made of their journal; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from langchain_durable.events import (
    BREAKPOINTS,
    COST,
    HANDLED,
    NUMBERS,
    AttemptEnded,
    AttemptStarted,
    Entry,
    Node,
    Outcome,
    StepEnded,
    StepStarted,
)
from langchain_durable.identity.recorded import ROOT, UNKNOWN, Recorded, Siblings


class Index:
    """The step tree of the attempts that came before."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._nodes: dict[bytes, Recorded] = {
            ROOT: Recorded(Node(id=ROOT, parent=ROOT, label="", ordinal=0, fingerprint=UNKNOWN))
        }
        self._opened: dict[bytes, Recorded] = {}
        self._began = 0
        self.asked = 0
        """The last attempt that ended with a question to a person; 0 if none did."""
        self.last: Entry | None = None
        self.breakpoints: frozenset[str] = frozenset()
        self.released: set[str] = set()
        """Checkpoints at static breakpoints: the last ones, and those that steps came after."""
        for entry in entries:
            self._add(entry)

    @property
    def root(self) -> Recorded:
        return self._nodes[ROOT]

    def __len__(self) -> int:
        return len(self._nodes) - 1

    def _add(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, AttemptStarted):
            self._nothing_is_open()
            self._began = event.time
        elif isinstance(event, StepStarted):
            self.released |= self.breakpoints
            for node in event.nodes:
                self._declare(node)
            recorded = self._nodes[event.step]
            recorded.kind, recorded.name = event.kind, event.name
            recorded.in_doubt, recorded.attempt = True, entry.attempt
            recorded.span_id = event.span_id
            if recorded.outcome is not Outcome.COMPLETED:
                recorded.outcome = None
            self._enter(recorded, entry)
            if event.step not in self._opened:
                self._opened[event.step] = recorded
                self._open(recorded)
        elif isinstance(event, StepEnded):
            self._end(self._nodes[event.step], event, entry)
        elif isinstance(event, AttemptEnded):
            if event.asks:
                self.asked = entry.attempt
                self.breakpoints = frozenset(event.attributes.get(BREAKPOINTS, ()))
            for step in event.fatal:
                self._nodes[step].fatal = True
        self.last = entry

    def _declare(self, node: Node) -> None:
        if node.id in self._nodes:
            return
        # Before it is there itself: a node that stood above itself would have no way to the root.
        children = self._nodes[node.parent].children
        recorded = Recorded(node)
        self._nodes[node.id] = recorded
        siblings = children.get(node.label)
        if siblings is None:
            siblings = children[node.label] = Siblings()
        siblings.nodes.append(recorded)

    def _open(self, recorded: Recorded, by: int = 1) -> None:
        """A step is under way, or (``by=-1``) no more; note who is beside whom."""
        while recorded.node.id != ROOT:
            above = self._nodes[recorded.node.parent]
            siblings = above.children[recorded.node.label]
            recorded.open_steps += by
            siblings.open_steps += by
            if siblings.open_steps > recorded.open_steps:
                siblings.concurrent = True
            recorded = above

    def _nothing_is_open(self) -> None:
        """What the attempt before had under way died with it."""
        for step in [*self._opened.values()]:
            self._close(step)

    def _close(self, recorded: Recorded) -> None:
        if self._opened.pop(recorded.node.id, None) is not None:
            self._open(recorded, -1)

    def _end(self, recorded: Recorded, event: StepEnded, entry: Entry) -> None:
        self._close(recorded)
        recorded.in_doubt = False
        recorded.outcome = event.outcome if event.recorded else None
        recorded.error = event.error
        recorded.payload = entry.payload
        recorded.attempt = entry.attempt
        recorded.ended, recorded.ended_seq = event.time, entry.seq
        recorded.ended_after = event.time - self._began
        recorded.fatal = False
        recorded.handled = HANDLED in event.attributes
        recorded.numbers = event.attributes.get(NUMBERS)
        recorded.cost = event.attributes.get(COST)

    def _enter(self, recorded: Recorded, entry: Entry) -> None:
        while entry.attempt not in recorded.entered:
            recorded.entered[entry.attempt] = entry.seq, entry.event.time
            if recorded.node.id == ROOT:
                return
            recorded = self._nodes[recorded.node.parent]

    def node(self, id: bytes) -> Recorded | None:
        """The node of an id; None if none was declared."""
        return self._nodes.get(id)

    def steps(self) -> Iterator[Recorded]:
        """The nodes that are steps, in the order in which they were declared."""
        return (node for node in self._nodes.values() if node.kind is not None)

    def unanswered(self) -> list[Recorded]:
        """The steps that a resume makes again, if the program comes to them."""
        return [step for step in self.steps() if not self._answers(step)]

    def _answers(self, step: Recorded) -> bool:
        if step.outcome is Outcome.COMPLETED:
            return step.payload is not None
        survivable = step.outcome is Outcome.FAILED or step.given_up
        return survivable and self.went_on_after(step)

    def went_on_after(self, recorded: Recorded) -> bool:
        """Did the program go on after this step's end without a result, so that it must come again?

        Not if its error is known to have left the root. Else, if the caller is known to make a
        result of it, as a tool with ``handle_tool_error`` does, or if in the same attempt
        something began beside the step, or beside a chain that it stands in, after its end:
        a retry, a fallback, the next step. What had begun before, such as a parallel branch,
        says nothing.
        """
        if recorded.fatal:
            return False
        if recorded.handled:
            return True
        inner = recorded
        while inner.node.id != ROOT:
            outer = self._nodes[inner.node.parent]
            for siblings in outer.children.values():
                for sibling in reversed(siblings.nodes):  # the last began after most others
                    if sibling is not inner and _began_after(sibling, recorded):
                        return True
            inner = outer
        return False


def _began_after(node: Recorded, before: Recorded) -> bool:
    seq, time = node.entered.get(before.attempt, (0, 0))
    # An async stream is closed when its consumer has long gone on: by then, the next step has
    # its place in the journal. The time is that of the stream's last chunk.
    return time > before.ended if before.left else seq > before.ended_seq
