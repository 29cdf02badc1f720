"""``scripts/backends`` where what it needs is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends.conftest import SCRIPT


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with Python, and with neither Go nor apt-get."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, path in {
        "python3": sys.executable,
        "bash": "/bin/bash",
        "dirname": "/usr/bin/dirname",
    }.items():
        (programs / name).symlink_to(path)
    return {**os.environ, "PATH": str(programs), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def called(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/bash", str(SCRIPT), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_it_says_what_it_left_out_and_goes_on(bare: dict[str, str]) -> None:
    said = called(bare)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("SKIPPED") == 3
    assert "!! jaeger: SKIPPED, it needs Go" in said.stdout


def test_a_program_that_is_required_must_be_there(bare: dict[str, str]) -> None:
    assert called(bare, "--require").returncode == 1


def test_a_build_that_breaks_is_an_error_and_leaves_nothing(
    bare: dict[str, str], tmp_path: Path
) -> None:
    broken = tmp_path / "bin" / "go"
    broken.write_text("#!/bin/bash\necho no network >&2\nexit 1\n")
    broken.chmod(0o755)
    said = called(bare)
    assert said.returncode == 1
    assert said.stdout.count("no network") == 2
    assert not [*(tmp_path / "cache" / "langchain-durable" / "backends").iterdir()]


def test_it_prints_where_the_programs_are(bare: dict[str, str]) -> None:
    said = called(bare, "--print")
    assert json.loads(said.stdout) == dict.fromkeys(("otelcol", "jaeger", "prometheus", "promtool"))
