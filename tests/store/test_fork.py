"""A forked process writes on a connection of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers import Server


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_parent_and_child_both_go_on(own_valkey: Server) -> None:
    # From Python 3.12 on, a fork beside threads warns; that is what is tested here.
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.store.forking", own_valkey.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.stderr == ""
    assert said.stdout.splitlines() == [
        "child This command was asked for before the process forked.",
        "child [1, 2, 3]",
        "parent [1, 2, 3, 4]",
    ]
