"""The wheel on the lowest versions that it allows, and on other Pythons."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wheel.conftest import Smoke
from tests.wheel.environments import Environment, lowest, requirements

pytestmark = pytest.mark.soak

OTHERS = [name for name in ("3.11", "3.12", "3.13", "3.14") if name != sys.version[:4]]


def _on_the_lowest(wheel: Path, directory: Path, *extras: str) -> Environment:
    versions = lowest(requirements(*extras))
    pins = directory / "lowest.txt"
    pins.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
    environment = Environment.create(directory / "venv")
    named = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    environment.install("--constraint", str(pins), named)
    return environment


def test_the_lowest_versions_of_the_core_survive_a_kill(
    wheel: Path, smoke: Smoke, tmp_path: Path
) -> None:
    environment = _on_the_lowest(wheel, tmp_path)
    assert environment.version("redis").startswith(lowest(requirements())["redis"])
    smoke(environment)


def test_the_lowest_versions_of_all_extras_survive_a_kill(
    wheel: Path, smoke: Smoke, tmp_path: Path
) -> None:
    environment = _on_the_lowest(wheel, tmp_path, "all")
    assert list(smoke(environment)["answers"]) == ["chain", "graph"]
    for command in (["--help"], ["runs", "--help"], ["demo", "--json"]):
        done = environment.run("-m", "langchain_durable.cli", *command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", OTHERS)
def test_another_python_survives_a_kill(
    version: str, wheel: Path, smoke: Smoke, tmp_path: Path
) -> None:
    python = shutil.which(f"python{version}")
    # A version manager's shim is on PATH also where it leads to no interpreter.
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode != 0:
        pytest.skip(f"Python {version} is not installed here")
    environment = Environment.create(tmp_path / "venv", python)
    environment.install(f"{wheel}[demo]")
    smoke(environment)
