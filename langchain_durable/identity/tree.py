"""The live step tree of one attempt: where a call stands, found without I/O.

A scope is one node: a chain, or a step (model, tool, retriever, function). Scopes are
made when LangChain says that something starts; they are resolved, which means matched with
what earlier attempts recorded, when the first step beneath them is about to happen. A chain
without steps costs no more than its scope.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanContext

from langchain_durable.events import Node, StepKind
from langchain_durable.identity.beside import Maker, is_beside, maker
from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.identity.labels import KEY, NODE
from langchain_durable.identity.matching import match, node_id, pass_by
from langchain_durable.identity.recorded import ROOT, UNKNOWN, Recorded
from langchain_durable.plain import utf8
from langchain_durable.spans.start import Attributes, Start


def is_streamed(inputs: Any) -> bool:
    """Is this what LangChain reports for a chain whose input comes as a stream?"""
    return type(inputs) is dict and len(inputs) == 1 and inputs.get("input") is _EMPTY


_EMPTY = ""
UNSEEN: Any = {"input": _EMPTY}
"""The input of a chain that is not to be told from others by its input."""


def _print_of(inputs: Any) -> bytes:
    return UNKNOWN if inputs is UNSEEN or is_streamed(inputs) else fingerprint(inputs)


class Scope:
    """One node of the live tree; ``node`` and ``recorded`` are set once it is resolved.

    ``describe`` gives what its span says, ``span`` is that of a step under way. A chain has a
    ``describe`` only if it has a span: an ``agent``, by its name, which may be empty, or the
    root. ``content`` gives what the call was asked, ``shown`` is what it answered, where the app
    captures that; ``event`` gives both, for the event of a model call. ``settled`` is its price,
    on ``estimated`` tokens if the provider reported none for ``prompt``; ``streamed`` is what the
    first chunk of its answer told, ``per_chunk`` the mean time between two of them, in seconds;
    ``chunks`` are the recorded ones of a stream that failed.
    ``numbers`` says what it took numbers for from the graph's node that it runs in, ``events``
    are the custom ones that it dispatched.
    ``at_once`` counts the batches that are being made right under it; ``keyed`` says that its
    parts are made at once and have a key each. ``apart`` is a call that has no place among its
    siblings: its order of arrival says nothing. ``maker`` is the task or thread that it is made in.
    ``template`` names the prompt that was filled in under it last, for the model call after that.
    ``called_as`` is LangChain's own run id of a model call, from which its answer may get its id.
    ``trace``, ``above`` and ``sampled`` are those of an outermost call that is observed, and not
    part of a run: its trace, and the span it stands under. ``around`` is what was current when it
    began: what is by its first step may be a span of the program's own code in it. ``over``: an
    observed call has ended, so it gets no span any more if it has none.
    """

    # What is found out of a scope later; most of it never is, as most scopes are no steps.
    arrivals: dict[str, int] | None = None
    at_once = 0
    keyed = False
    apart = False
    maker: Maker = None
    node: Node | None = None
    numbers: list[str] | None = None
    events: list[tuple[str, Any]] | None = None
    recorded: Recorded | None = None
    declared = False
    drift = False
    drift_ok = True
    taken = False
    called_as: UUID | None = None
    agent: str | None = None
    describe: Callable[[], Start] | None = None
    content: Callable[[], Attributes] | None = None
    event: Callable[..., Attributes] | None = None
    start: Start | None = None
    settled: Any = None
    estimated: Any = None
    streamed: Attributes | None = None
    per_chunk: float | None = None
    chunks: Any = None
    prompt: Any = None
    template: str | None = None
    span: Any = None
    span_id = ""
    parent_span_id = ""
    trace = ""
    above = ""
    sampled = True
    around: SpanContext | None = None
    stopped = False
    over = False
    entered = 0

    def __init__(
        self,
        tree: Tree,
        parent: Scope | None,
        label: str,
        inputs: Any,
        kind: StepKind | None,
        name: str,
        attributes: dict[str, Any] | None,
        arrival: int = 0,
    ) -> None:
        self.tree = tree
        self.parent = parent
        self.label = label
        self.inputs = inputs
        self.kind = kind
        self.name = name
        self.attributes = attributes
        self.arrival = arrival
        self.shown: Attributes = {}

    @property
    def caller(self) -> str | None:
        """The name of the agent that this call is made in; None outside of agents and in one
        without a name."""
        above = self.parent
        while above is not None:
            if above.agent is not None:
                return above.agent or None
            above = above.parent
        return None

    @property
    def path(self) -> tuple[str, ...]:
        """The labels from the top down to this node, for people."""
        above = self.parent.path if self.parent is not None else ()
        return (*above, self.label) if self.label else above


class Tree:
    """All scopes of one attempt.

    ``top_by_ordinal``: the root input is known to be the same (a wrapped runnable), so
    top-level calls may also match by their place; otherwise (a ``run()`` block) they match
    by fingerprint only. ``drift_ok``: the program's version is that of the earlier
    attempts, so steps may match by their place.
    """

    def __init__(self, *, top_by_ordinal: bool) -> None:
        self.top_by_ordinal = top_by_ordinal
        self.drift_ok = True
        self._lock = threading.RLock()
        self.top = Scope(self, None, "", None, None, "", None)
        self.top.node = Node(id=ROOT, parent=ROOT, label="", ordinal=0, fingerprint=UNKNOWN)
        self.top.declared = True

    def follow(self, root: Recorded, *, drift_ok: bool) -> None:
        """Match from now on with what earlier attempts recorded."""
        self.top.recorded = root
        self.drift_ok = drift_ok

    def enter(
        self,
        parent: Scope | None,
        label: str,
        inputs: Any,
        *,
        kind: StepKind | None = None,
        name: str = "",
        attributes: dict[str, Any] | None = None,
    ) -> Scope:
        """A scope under ``parent`` (None: at the top), numbered in the order of arrival."""
        above = parent or self.top
        if not label.isascii():
            label = utf8(label)  # as the journal has it
        with self._lock:
            arrivals = above.arrivals
            if arrivals is None:
                arrivals = above.arrivals = {}
            arrival = arrivals.get(label, 0)
            arrivals[label] = arrival + 1
        scope = Scope(self, above, label, inputs, kind, name, attributes, arrival)
        scope.maker = maker()
        if KEY in label:
            above.keyed = True
            scope.apart = above.at_once > 0
        elif above.at_once or above.keyed:
            scope.apart = True
        elif kind is not None or NODE not in label:  # a graph knows its nodes
            scope.apart = is_beside(scope.maker, above.maker)
        return scope

    @contextmanager
    def at_once(self, parent: Scope | None) -> Iterator[None]:
        """Calls under ``parent`` (None: at the top) are made at once in here. In another attempt
        they may arrive in another order, so they are told apart by their inputs."""
        above = parent or self.top
        with self._lock:
            above.at_once += 1
        try:
            yield
        finally:
            with self._lock:
                above.at_once -= 1

    def count(self, label: str) -> int:
        """How often this was asked for the label before, at the top of the tree."""
        return self.enter(None, label, None).arrival

    def resolve(self, scope: Scope) -> Node:
        """Find out which node of the step tree a scope is, its ancestors first."""
        if scope.node is not None:
            return scope.node
        with self._lock:
            above = scope.parent
            if above is None or scope.node is not None:
                return scope.node or self.resolve(self.top)
            parent = above.node or self.resolve(above)
            seen = _print_of(scope.inputs)
            scope.inputs = None
            ordinal = scope.arrival
            if above.recorded is not None:
                found = match(
                    above.recorded, scope.label, seen, ordinal, by_ordinal=self._loose(scope)
                )
                ordinal = found.ordinal
                scope.recorded, scope.drift = found.recorded, found.drift
                scope.declared = found.recorded is not None
            if above is self.top:
                trusted = self.top_by_ordinal or not scope.drift
            else:
                trusted = above.drift_ok
            scope.drift_ok = self.drift_ok and trusted and not (scope.apart and scope.drift)
            scope.node = Node(
                id=node_id(parent.id, scope.label, ordinal),
                parent=parent.id,
                label=scope.label,
                ordinal=ordinal,
                fingerprint=seen,
            )
            return scope.node

    def leave(self, scope: Scope) -> None:
        """A call has ended. A graph's own checkpointer may have answered it without a step, and
        what it recorded before must not go to the next equal call."""
        above = scope.parent
        if scope.node is not None or above is None or above.recorded is None:
            return
        with self._lock:
            if scope.label in above.recorded.children:
                seen = _print_of(scope.inputs)
                pass_by(above.recorded, scope.label, seen, scope.arrival)

    def _loose(self, scope: Scope) -> bool:
        assert scope.parent is not None  # only the top has none, and it is born resolved
        if scope.apart:
            return False
        if scope.parent is self.top:
            return self.top_by_ordinal
        if scope.kind is StepKind.TOOL and "tool_call_id" in (scope.attributes or {}):
            return False  # a model's request: another id or other arguments are another call
        return scope.kind is None or scope.parent.drift_ok

    def declare(self, scope: Scope) -> tuple[Node, ...]:
        """The nodes down to ``scope`` that the journal does not know yet, top first."""
        nodes: list[Node] = []
        with self._lock:
            here: Scope | None = scope
            while here is not None and not here.declared:
                nodes.append(here.node or self.resolve(here))
                here.declared = True
                here = here.parent
        return tuple(reversed(nodes))
