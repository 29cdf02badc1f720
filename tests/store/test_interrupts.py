"""Ctrl-C may strike anywhere; the journal stays what the program said."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.servers import Server


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_an_interrupted_program_goes_on_with_a_whole_journal(own_valkey: Server) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.store.interrupted", own_valkey.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.stdout.splitlines() == ["True", "True"], said.stderr
