"""The wheel, installed into an empty environment and used."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.wheel.conftest import Smoke
from tests.wheel.environments import ROOT, Environment

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and no extra."""
    environment = Environment.create(tmp_path_factory.mktemp("bare") / "venv")
    environment.install(str(wheel))
    return environment


def test_it_has_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    package = ROOT / "langchain_durable"
    kinds = (".py", ".lua", ".typed")
    ours = {
        path.relative_to(ROOT).as_posix() for path in package.rglob("*") if path.suffix in kinds
    }
    ours.add("langchain_durable/py.typed")
    with zipfile.ZipFile(wheel) as file:
        shipped = {name for name in file.namelist() if ".dist-info/" not in name}
    assert shipped == ours


def test_the_core_alone_survives_a_kill(bare: Environment, smoke: Smoke) -> None:
    assert list(smoke(bare)["answers"]) == ["chain"]


def test_the_command_line_names_the_extra_that_it_lacks(bare: Environment) -> None:
    done = bare.run("-m", "langchain_durable.cli", "runs")
    assert done.returncode == 1
    assert 'pip install "langchain-durable[cli]"' in done.stderr


def test_pytest_finds_the_fixtures_of_the_wheel(bare: Environment, tmp_path: Path) -> None:
    bare.install("pytest")
    test = tmp_path / "test_user.py"
    test.write_text("def test_it(durable):\n    assert list(durable.runs()) == []\n")
    done = bare.run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(test))
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_demo_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    environment = Environment.create(tmp_path / "venv")
    environment.install(f"{wheel}[demo]")
    done = environment.run("-m", "langchain_durable.cli", "demo", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"] is True


def test_users_see_its_types(wheel: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from langchain_durable import Durable\n"
        "with Durable() as durable:\n"
        "    number: int = durable.now()\n"
    )
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "program.py"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"MYPYPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'expression has type "float", variable has type "int"' in done.stdout
    assert "Found 1 error" in done.stdout
