"""Users and servers killed at random, all on one directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_durable.embedded import EmbeddedServer
from tests.embedded.conftest import ROOT
from tests.embedded.test_supervisor import client_of

PROGRAM = Path(__file__).parent / "chaotic.py"


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_however_users_and_servers_die(
    server: EmbeddedServer,
) -> None:
    server.directory.parent.mkdir(exist_ok=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    users = [
        subprocess.Popen([sys.executable, PROGRAM, server.directory, str(seed), "60"], env=env)
        for seed in range(6)
    ]
    assert {user.wait(120) for user in users} <= {0, -9}
    server.ensure()
    with client_of(server) as client:
        written = set(client.lrange("written", 0, -1))
    files = server.directory.parent.glob(f"{server.directory.name}.*")
    acknowledged = {line for file in files for line in file.read_text().split()}
    assert len(acknowledged) > 20
    assert acknowledged <= written
