"""Leases that come too late are given back, one after the other, whatever one of them does."""

from __future__ import annotations

from threading import Event

from langchain_durable.recorder.late_leases import LateLeases


def test_one_that_fails_does_not_keep_the_others_from_their_turn() -> None:
    late, go, given = LateLeases(), Event(), Event()

    def fails() -> None:
        go.wait(10)
        raise ZeroDivisionError

    late.add(fails)
    late.add(given.set)  # behind the first, whose thread it needs
    go.set()
    assert given.wait(10)
