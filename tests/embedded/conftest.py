"""Directories whose servers are stopped, and child processes that are ended, after a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import langchain_durable
from langchain_durable.embedded import EmbeddedServer

ROOT = Path(langchain_durable.__file__).parent.parent
PROGRAM = Path(__file__).parent / "program.py"


class Child:
    """A running ``program.py``. ``answer`` waits for the line that it says."""

    def __init__(self, directory: Path, *verb: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(directory), *verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the child ended without an answer"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def kill(self) -> None:
        self.process.kill()
        self._reap()

    def exit(self) -> None:
        """Let it come to its end, with its handlers at exit."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self._reap()

    def _reap(self) -> None:
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()


Spawn = Callable[..., Child]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    EmbeddedServer(path).stop()


@pytest.fixture
def server(directory: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(directory)
    yield server
    server.release()


@pytest.fixture
def spawn(directory: Path) -> Iterator[Spawn]:
    """Start children; ends them before the directory's server is stopped."""
    with ExitStack() as stack:

        def start(*verb: str, env: dict[str, str] | None = None) -> Child:
            return stack.enter_context(Child(directory, *verb, env=env))

        yield start
