"""One model server, one journal and one fork server for all kill tests."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator

import pytest

from langchain_durable.testing.children import Children
from langchain_durable.testing.openai_server import ScriptedOpenAI
from tests.kill.harness import Harness, Seen, Trial
from tests.kill.play import Via
from tests.kill.preload import URL
from tests.programs.all import PROGRAMS, RULES
from tests.programs.program import Mode, Program
from tests.servers import Server

Undisturbed = Callable[[str, Mode], list[Seen]]
NewTrial = Callable[[Program], Trial]


@pytest.fixture(scope="session")
def model_server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI(RULES) as server:
        yield server


@pytest.fixture(scope="session")
def children(model_server: ScriptedOpenAI) -> Iterator[Children]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URL, model_server.url)
        yield Children(preload=["tests.kill.play", "tests.kill.preload"])


@pytest.fixture(scope="session")
def bare(children: Children, model_server: ScriptedOpenAI) -> Harness:
    """Runs programs as they are, with no journal."""
    return Harness(children, model_server)


@pytest.fixture(scope="session")
def journal_url(journal_server: Server) -> str:
    return journal_server.url


@pytest.fixture(scope="session")
def harness(children: Children, model_server: ScriptedOpenAI, journal_url: str) -> Harness:
    """Runs programs made durable."""
    return Harness(children, model_server, journal_url)


@pytest.fixture(scope="session")
def new_trial(tmp_path_factory: pytest.TempPathFactory) -> NewTrial:
    """A run that nobody has started yet."""
    directory = tmp_path_factory.mktemp("runs")
    numbers = itertools.count()

    def new(program: Program) -> Trial:
        run_id = f"{program.name}-{next(numbers)}"
        return Trial(program=program, run_id=run_id, directory=directory / run_id)

    return new


@pytest.fixture(scope="session")
def undisturbed(bare: Harness, new_trial: NewTrial) -> Undisturbed:
    """What is seen of a program that is neither durable nor killed."""

    @functools.cache
    def seen(name: str, mode: Mode) -> list[Seen]:
        trial = new_trial(PROGRAMS[name])
        assert bare.attempt(trial, mode, via=Via.BARE).result() == PROGRAMS[name].answer
        return bare.log(trial)

    return seen
