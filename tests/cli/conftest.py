"""A journal with runs of every kind, and the command line as its own process."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import langchain_durable
from langchain_durable import Durable
from langchain_durable.cli.keys import VARIABLE
from tests.cli.priced import write_all
from tests.servers import start_valkey

ROOT = Path(langchain_durable.__file__).parent.parent
PROGRAM = Path(__file__).with_name("shop.py")

LONG = "order-" + "x" * 120
STRANGE = "order [bold]7[/bold] ünï"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Forker:
    """The process that commands are forked from."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.forker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            encoding="utf-8",
        )

    def run(self, request: dict[str, Any]) -> int:
        """Run one command; its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@functools.cache
def forker() -> Forker:
    """The one forker of this session, started when it is needed first."""
    started = Forker()
    atexit.register(started.close)
    return started


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
        return self._run("", arguments, env)

    def program(self, run_id: str, how: str) -> int:
        """Run ``shop.py`` under a run id; its exit code."""
        return self.script(PROGRAM, run_id, SHOP=how).code

    def script(self, path: Path, *arguments: str, **env: str) -> Said:
        """Run a program of Python to its end."""
        return self._run(str(path), arguments, env)

    def _run(self, script: str, arguments: tuple[str, ...], env: dict[str, str]) -> Said:
        with tempfile.TemporaryDirectory() as streams:
            out, err = Path(streams, "out"), Path(streams, "err")
            code = forker().run(
                {
                    "script": script,
                    "arguments": arguments,
                    "cwd": str(self.directory),
                    "env": self.environment(**env),
                    "out": str(out),
                    "err": str(err),
                }
            )
            said = Said(code, out.read_text("utf-8"), err.read_text("utf-8"))
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
