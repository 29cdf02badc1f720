"""Where documents and examples are run: a scripted model server, and a journal for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from scripted import RULES

from langchain_durable.testing.openai_server import Request, Rule, ScriptedOpenAI
from tests.docs.markdown import ROOT
from tests.servers import start_valkey
from tests.zygote import Forked, zygote

_PATIENCE = 90
"""Seconds until a program that makes no call has to say why."""

_numbers = itertools.count(1)


@dataclass(kw_only=True)
class Stage:
    """Runs programs as their readers do, in one directory, on one journal."""

    directory: Path
    journal: str
    server: ScriptedOpenAI
    tag: str = field(default_factory=lambda: f"reader-{next(_numbers)}")
    starts: int = 0

    def start(self, program: Path | str, *arguments: str) -> Forked:
        """Start ``python program``, or ``python -m`` for a module's name."""
        self.starts += 1
        return zygote().start(
            [str(program), *arguments],
            module=isinstance(program, str),
            directory=self.directory,
            output=self.directory / f"{self.tag}-{self.starts}",
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        """The settings of a reader who has a key and a Redis, and nothing of this machine's."""
        foreign = ("OPENAI_", "LANGCHAIN_", "LANGSMITH_", "LANGGRAPH_", "REDIS_URL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "LANGCHAIN_DURABLE_URL": self.journal,
            "OPENAI_API_KEY": f"{self.tag}/{self.starts}",
            "OPENAI_BASE_URL": self.server.url,
            "NO_PROXY": "127.0.0.1",
            "OTEL_SDK_DISABLED": "true",  # there is no collector here
            # The embedded server's own processes are new ones, and must find the package.
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
        }

    def run(self, program: Path | str, *arguments: str) -> str:
        """Run a program to its end; what it printed."""
        child = self.start(program, *arguments)
        status = child.wait()
        assert status == 0, f"{program} {arguments}:\n{child.said()}\n{child.complained()}"
        return child.said()

    def run_killed(self, program: Path | str, *arguments: str, call: int) -> str:
        """Run a program, SIGKILL it while its nth model call is open; what it had printed."""
        with self.server.hold(tag=self.tag, nth=call) as hold:
            child = self.start(program, *arguments)
            held = hold.wait(timeout=_PATIENCE)
            child.kill()
            child.wait()
        assert held is not None, f"no call number {call}:\n{child.said()}\n{child.complained()}"
        return child.said()

    def requests(self) -> list[Request]:
        """The model calls of all programs on this stage."""
        return self.server.requests(tag=self.tag)


@pytest.fixture(scope="session")
def model_server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI([*RULES, *README_RULES]) as server:
        yield server


README_RULES = (
    Rule(when="Three facts", says="They fly. They dance. They sting."),
    Rule(when="joke", says="Why do bees hum?"),
    Rule(says="As you say."),
)


@pytest.fixture
def stage(tmp_path: Path, model_server: ScriptedOpenAI) -> Iterator[Stage]:
    with start_valkey(tmp_path / "journal") as journal:
        yield Stage(directory=tmp_path, journal=journal.url, server=model_server)
