"""A pytest plugin: a throw-away ``durable``, ``scripted_openai``, and ``kill_points``.

pytest loads this module wherever the package is installed, so it imports nothing of it
before a fixture is asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # for the annotations only: at run time the imports would cost a second
    from langchain_durable import Durable
    from langchain_durable.testing.kill_points import KillPoints
    from langchain_durable.testing.openai_server import ScriptedOpenAI

EMBEDDED = "embedded"
MEMORY = "memory://"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the fixtures keep their journal."""
    group = parser.getgroup("langchain-durable")
    group.addoption(
        "--durable-url",
        default="",
        help="journal of the durable fixtures: memory:// (default), embedded, or a URL",
    )


@pytest.fixture(scope="session")
def _durable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an embedded server of this test session."""
    from langchain_durable.embedded import EmbeddedServer

    server = EmbeddedServer(tmp_path_factory.mktemp("langchain_durable"))
    server.ensure()
    yield server.url
    server.stop()


@pytest.fixture
def durable(request: pytest.FixtureRequest) -> Iterator[Durable]:
    """A ``Durable`` of the test's own; ``--durable-url`` chooses its server.

    Its runs are deleted after the test, but for those that a process of the test still holds.
    """
    from langchain_durable import Durable, RunBusy

    url, own = str(request.config.getoption("--durable-url")) or MEMORY, uuid.uuid4().hex
    if url == EMBEDDED:
        url = request.getfixturevalue("_durable_server")
    elif url == MEMORY:
        url += own  # a store in memory belongs to its name, and outlives a handle
    with Durable(url, prefix=f"test-{own}") as handle:
        yield handle
        for run in handle.runs(limit=10_000):
            with suppress(RunBusy):
                handle.delete(run.run_id)


@pytest.fixture(scope="session")
def _scripted_openai_process() -> Iterator[ScriptedOpenAI]:
    from langchain_durable.testing.openai_server import ScriptedOpenAI

    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
def scripted_openai(
    _scripted_openai_process: ScriptedOpenAI, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ScriptedOpenAI]:
    """A scripted OpenAI server without rules; ``ChatOpenAI()`` finds it by the environment."""
    server = _scripted_openai_process
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_BASE", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    yield server
    server.reset()


@pytest.fixture
def kill_points(request: pytest.FixtureRequest) -> KillPoints:
    """Kills a program at each step boundary and resumes it; see ``KillPoints``.

    Processes share the journal, so ``memory://`` stands for an embedded server here.
    """
    from langchain_durable.testing.kill_points import KillPoints

    url = str(request.config.getoption("--durable-url"))
    if url in ("", MEMORY, EMBEDDED):
        url = request.getfixturevalue("_durable_server")
    return KillPoints(url)
