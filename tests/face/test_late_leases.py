"""Leases that come too late are given back, one after the other, whatever one of them does."""

from __future__ import annotations

from threading import Event

from langchain_durable.recorder.late_leases import LateLeases
from tests.fakes import no_threads


def test_one_that_fails_does_not_keep_the_others_from_their_turn() -> None:
    late, go, given = LateLeases(), Event(), Event()

    def fails() -> None:
        go.wait(10)
        raise ZeroDivisionError

    late.add(fails)
    late.add(given.set)  # behind the first, whose thread it needs
    go.set()
    assert given.wait(10)


def test_one_for_which_there_is_no_thread_waits_for_the_next() -> None:
    late, given = LateLeases(), [Event(), Event()]
    with no_threads():
        late.add(given[0].set)
    late.add(given[1].set)
    assert all(each.wait(10) for each in given)
