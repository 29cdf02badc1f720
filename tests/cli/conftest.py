"""A journal with runs of every kind, and the command line as its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_durable import Durable
from langchain_durable.cli.keys import VARIABLE
from tests.cli.priced import write_all
from tests.servers import start_valkey
from tests.zygote import ROOT, Said, run

PROGRAM = Path(__file__).with_name("shop.py")

LONG = "order-" + "x" * 120
STRANGE = "order [bold]7[/bold] ünï"


class Cli:
    """Runs the command line in a directory, against a journal.

    Calling it runs a command to its end; ``start`` starts one as a fresh interpreter.
    """

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command: this installation, and no colours but those asked for."""
        dropped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "REDIS_URL", "LANGCHAIN_DURABLE_URL"}
        dropped |= {"OPENAI_API_KEY", VARIABLE}
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        journal = {"LANGCHAIN_DURABLE_URL": self.url} if self.url else {}
        return {**kept, **journal, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **more}

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "langchain_durable.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self.environment(**env),
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, **env: str) -> Said:
        return self._run(["langchain_durable.cli", *arguments], env, module=True)

    def program(self, run_id: str, how: str) -> int:
        """Run ``shop.py`` under a run id; its exit code."""
        return self.script(PROGRAM, run_id, SHOP=how).code

    def script(self, path: Path, *arguments: str, **env: str) -> Said:
        """Run a program of Python to its end."""
        return self._run([str(path), *arguments], env)

    def _run(self, argv: list[str], env: dict[str, str], *, module: bool = False) -> Said:
        env = self.environment(**env)
        said = run(argv, module=module, directory=self.directory, env=env)
        assert "Traceback" not in said.err or "shop.py" in said.err, said.err
        return said


if not hasattr(os, "fork"):
    pytest.skip("commands are forked, which this system cannot", allow_module_level=True)


@pytest.fixture(scope="session")
def journal_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_valkey(tmp_path_factory.mktemp("journal")) as server:
        yield server.url


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A journal of its own in which runs completed, failed and crashed. Only to be read."""
    with start_valkey(tmp_path_factory.mktemp("filled-journal")) as server:
        cli = Cli(tmp_path_factory.mktemp("filled"), server.url)
        assert cli.program("done", "well") == 0
        assert cli.program("broken", "badly") == 1
        assert cli.program("crashed", "killed") == -signal.SIGKILL
        assert cli.program(LONG, "well") == 0
        assert cli.program(STRANGE, "well") == 0
        yield cli


@pytest.fixture(scope="session")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A journal of its own with models and prices. Only to be read."""
    with start_valkey(tmp_path_factory.mktemp("priced-journal")) as server:
        with Durable(server.url) as durable:
            write_all(durable.connector.connect().store)
        yield Cli(tmp_path_factory.mktemp("priced"), server.url)


@pytest.fixture
def cli(tmp_path: Path, journal_url: str) -> Cli:
    """The command line in a directory of the test's own, with the program beside it."""
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    return Cli(tmp_path, journal_url)
