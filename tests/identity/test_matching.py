"""Matching: which recorded step a call of a later attempt is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_durable.events import (
    AttemptStarted,
    Entry,
    Event,
    Outcome,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.identity.index import Index
from langchain_durable.identity.tree import Scope, Tree

INPUTS = st.sampled_from(["a", "b", "c", "d"])


def called(tree: Tree, what: str, parent: Scope | None = None) -> Scope:
    """A model call with an input, under a chain that is the same in every attempt."""
    return tree.enter(parent, "model:m", what, kind=StepKind.MODEL, name="m")


class Journal:
    """Writes down what calls of a tree did, as an attempt does."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._events: list[Event] = [AttemptStarted(time=1, owner="o", span_id="")]

    def start(self, scope: Scope) -> None:
        self._events.append(
            StepStarted(
                step=self._tree.resolve(scope).id,
                kind=StepKind.MODEL,
                name="m",
                time=1,
                span_id="",
                parent_span_id="",
                nodes=self._tree.declare(scope),
            )
        )

    def end(self, scope: Scope) -> None:
        step = self._tree.resolve(scope).id
        self._events.append(StepEnded(step=step, outcome=Outcome.COMPLETED, time=1))

    def index(self) -> Index:
        entries = [
            Entry(seq=seq, attempt=1, event=event, payload=b"")
            for seq, event in enumerate(self._events, 1)
        ]
        return Index(entries)


def resumed(index: Index) -> Tree:
    tree = Tree(top_by_ordinal=True)
    tree.follow(index.root, drift_ok=True)
    return tree


def resolved(tree: Tree, scopes: Iterable[Scope]) -> list[Scope]:
    found = list(scopes)
    for scope in found:
        tree.resolve(scope)
    return found


def in_turn(inputs: Sequence[str]) -> Index:
    """One call after the other."""
    tree = Tree(top_by_ordinal=True)
    journal, chain = Journal(tree), tree.enter(None, "chain", "x")
    for what in inputs:
        scope = called(tree, what, chain)
        journal.start(scope)
        journal.end(scope)
    return journal.index()


def at_once(inputs: Sequence[str], done: int) -> Index:
    """All calls begun, in their order, before the first has ended; ``done`` of them have."""
    tree = Tree(top_by_ordinal=True)
    journal, chain = Journal(tree), tree.enter(None, "chain", "x")
    scopes = [called(tree, what, chain) for what in inputs]
    for scope in scopes:
        journal.start(scope)
    for scope in scopes[:done]:
        journal.end(scope)
    return journal.index()


@given(st.lists(INPUTS, min_size=1, max_size=6))
def test_the_same_calls_in_the_same_order_are_the_recorded_ones(inputs: list[str]) -> None:
    tree = resumed(in_turn(inputs))
    chain = tree.enter(None, "chain", "x")

    scopes = resolved(tree, (called(tree, what, chain) for what in inputs))

    assert all(scope.recorded is not None and not scope.drift for scope in scopes)
    assert len({id(scope.recorded) for scope in scopes}) == len(inputs)


@given(st.lists(INPUTS, min_size=1, max_size=5), st.data())
def test_an_input_that_drifted_keeps_its_place(inputs: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(inputs) - 1))
    tree = resumed(in_turn(inputs))
    chain = tree.enter(None, "chain", "x")
    now = [*inputs[:place], "drifted", *inputs[place + 1 :]]

    scopes = resolved(tree, (called(tree, what, chain) for what in now))

    assert len({id(scope.recorded) for scope in scopes if scope.recorded}) == len(inputs)
    assert scopes[place].drift


@given(st.lists(INPUTS, min_size=2, max_size=6), st.data())
def test_calls_at_once_get_their_own_answers_in_any_order(
    inputs: list[str], data: st.DataObject
) -> None:
    done = data.draw(st.integers(0, len(inputs)))
    tree = resumed(at_once(inputs, done))
    chain = tree.enter(None, "chain", "x")
    order = data.draw(st.permutations(inputs))

    scopes = resolved(tree, (called(tree, what, chain) for what in order))

    for what, scope in zip(order, scopes, strict=True):
        assert scope.recorded is not None
        assert scope.node is not None
        assert scope.recorded.node.fingerprint == scope.node.fingerprint, what
    answered = [scope for scope in scopes if scope.recorded and scope.recorded.outcome]
    assert len(answered) == done


def test_a_call_that_was_not_recorded_takes_no_answer_of_one_that_ran_beside_it() -> None:
    tree = resumed(at_once(["a", "b"], 1))
    chain = tree.enter(None, "chain", "x")

    new, known = resolved(tree, (called(tree, what, chain) for what in ("new", "a")))

    assert new.recorded is None
    assert known.recorded is not None
    assert new.node != known.node


@pytest.mark.parametrize("later", ["b", "a"])
def test_what_a_dead_attempt_had_under_way_is_beside_nothing_of_the_next(later: str) -> None:
    tree = Tree(top_by_ordinal=True)
    journal, chain = Journal(tree), tree.enter(None, "chain", "x")
    first = called(tree, "a", chain)
    journal.start(first)
    entries = journal.index()
    assert not entries.root.children["chain"].concurrent

    journal._events.append(AttemptStarted(time=2, owner="p", span_id=""))
    second = called(tree, later, chain)
    journal.start(second)
    journal.end(second)

    (group,) = journal.index().root.children["chain"].nodes[0].children.values()
    assert not group.concurrent


def test_a_tools_call_is_known_by_its_id_and_not_by_its_place() -> None:
    def tool(tree: Tree, call_id: str) -> Scope:
        given = ({"x": 1}, call_id)
        attributes = {"tool_call_id": call_id}
        chain = tree.enter(None, "tools", "x")
        return tree.enter(
            chain, "tool:t", given, kind=StepKind.TOOL, name="t", attributes=attributes
        )

    tree = Tree(top_by_ordinal=True)
    journal, recorded = Journal(tree), tool(tree, "call-1")
    journal.start(recorded)
    journal.end(recorded)

    again = resumed(journal.index())
    (other,) = resolved(again, [tool(again, "call-2")])
    same = resumed(journal.index())
    (found,) = resolved(same, [tool(same, "call-1")])

    assert other.recorded is None
    assert found.recorded is not None


@given(st.lists(INPUTS, min_size=2, max_size=6), st.data())
def test_calls_of_a_batch_go_by_their_inputs_however_few_are_recorded(
    inputs: list[str], data: st.DataObject
) -> None:
    done = data.draw(st.integers(1, len(inputs)))
    tree = resumed(in_turn(data.draw(st.permutations(inputs))[:done]))
    chain = tree.enter(None, "chain", "x")
    order = data.draw(st.permutations([*inputs, "new"]))

    with tree.at_once(chain):
        scopes = resolved(tree, (called(tree, what, chain) for what in order))

    known = [scope for scope in scopes if scope.recorded]
    assert not any(scope.drift for scope in known)
    assert len({id(scope.recorded) for scope in known}) == done
    assert len({scope.node for scope in scopes}) == len(order)


def test_the_parts_of_a_parallel_chain_keep_their_places() -> None:
    def part(tree: Tree, parallel: Scope, key: str, what: str) -> Scope:
        label = f"model:m[map:key:{key}]"
        return tree.enter(parallel, label, what, kind=StepKind.MODEL, name="m")

    tree = Tree(top_by_ordinal=True)
    journal, parallel = Journal(tree), tree.enter(None, "parallel", "x")
    for key in "ab":
        recorded = part(tree, parallel, key, "noon")
        journal.start(recorded)
        journal.end(recorded)

    again = resumed(journal.index())
    parallel = again.enter(None, "parallel", "x")
    parts = resolved(again, (part(again, parallel, key, "one") for key in "ba"))

    assert all(scope.recorded is not None and scope.drift for scope in parts)


def test_thousands_of_new_calls_beside_as_many_recorded_ones_take_no_time() -> None:
    count = 8000
    tree = resumed(in_turn([f"old {number}" for number in range(count)]))
    chain = tree.enter(None, "chain", "x")

    began = time.process_time()
    with tree.at_once(chain):
        scopes = resolved(tree, [called(tree, f"new {n}", chain) for n in range(count)])

    assert time.process_time() - began < 3, "a minute if each looks at each"
    assert len({scope.node for scope in scopes}) == count
