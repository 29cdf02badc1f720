"""The pytest plugin, used by a test file as a user would write it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import langchain_durable
from langchain_durable import Durable
from langchain_durable.errors import ConfigurationError
from langchain_durable.testing.kill_points import KillPoints
from tests.servers import Server, start_valkey

ROOT = Path(langchain_durable.__file__).parent.parent

PROGRAMS = """
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from langchain_durable.testing.openai_server import Rule

RULES = (
    Rule(when=r"Draft (\\w+)", says=r"draft of \\1"),
    Rule(when=r"Improve (.*)", says=r"better \\1"),
)


def chain():
    model = ChatOpenAI(model="m") | StrOutputParser()
    first = ChatPromptTemplate.from_template("Draft {topic}") | model
    return first | (lambda text: {"text": text}) | ChatPromptTemplate.from_template(
        "Improve {text}"
    ) | model


def durable_program(durable, run_id, topic):
    return durable.wrap(chain()).invoke({"topic": topic}, durable.config(run_id))


@tool
def flaky(topic: str) -> str:
    "Fails."
    raise ValueError("down")


def falling_back_program(durable, run_id, topic):
    draft = flaky.with_fallbacks([chain()]) | (lambda text: text)
    return durable.wrap(draft).invoke({"topic": topic}, durable.config(run_id))


def forgetful_program(durable, run_id, topic):
    return chain().invoke({"topic": topic})


def moody_program(durable, run_id, topic):
    import os
    answer = durable.wrap(chain()).invoke({"topic": topic}, durable.config(run_id))
    return f"{answer} {os.getpid()}"
"""


def run_pytest(directory: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "programs.py").write_text(PROGRAMS)
    (directory / "test_user.py").write_text(test)
    # The plugin is loaded by its entry point where the package is installed; here by name.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "langchain_durable.testing.plugin"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *options, "test_user.py"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no embedded server")
def test_kill_points_kill_and_resume_a_users_program(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        "from programs import RULES, durable_program\n"
        "def test_it(kill_points, scripted_openai):\n"
        "    scripted_openai.add(*RULES)\n"
        "    report = kill_points(durable_program, 'bees', most=2)\n"
        "    assert report.answer == 'better draft of bees'\n"
        "    assert (report.steps, report.kills) == (2, 2)\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no embedded server")
def test_tests_of_one_session_have_runs_of_their_own(tmp_path: Path) -> None:
    """The second of them with a program that goes on after an error, which may come again."""
    done = run_pytest(
        tmp_path,
        "from programs import RULES, durable_program, falling_back_program\n"
        "import pytest\n"
        "@pytest.mark.parametrize('program', [durable_program, falling_back_program])\n"
        "def test_it(program, kill_points, scripted_openai):\n"
        "    scripted_openai.add(*RULES)\n"
        "    report = kill_points(program, 'bees')\n"
        "    assert report.answer == 'better draft of bees'\n"
        "    assert report.kills == 2 * report.steps\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL, no embedded server")
def test_kill_points_say_what_is_wrong_with_a_program(tmp_path: Path) -> None:
    programs = {
        "forgetful_program": "made no durable run",
        "moody_program": "killed at boundary 1 of 4: answered",
        "lambda durable, run_id: 1": "at the top level of a module",
    }
    done = run_pytest(
        tmp_path,
        "from programs import *\n"
        "import pytest\n"
        f"@pytest.mark.parametrize('program', [{', '.join(programs)}])\n"
        "def test_it(program, kill_points, scripted_openai):\n"
        "    scripted_openai.add(*RULES)\n"
        "    kill_points(program, 'bees', most=1)\n",
    )
    assert "3 failed" in done.stdout, done.stdout + done.stderr
    for fault in programs.values():
        assert fault in done.stdout


def test_the_durable_fixture_journals_in_memory(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path,
        "from programs import RULES, durable_program\n"
        "def test_it(durable, scripted_openai):\n"
        "    scripted_openai.add(*RULES)\n"
        "    for _ in range(2):\n"
        "        assert durable_program(durable, 'once', 'bees') == 'better draft of bees'\n"
        "    assert len(scripted_openai.requests()) == 2\n"
        "def test_the_next_test_starts_anew(durable, scripted_openai):\n"
        "    assert not durable.runs()\n"
        "    assert not scripted_openai.requests()\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_imports_nothing_of_langchain_before_a_fixture_is_used(
    tmp_path: Path,
) -> None:
    done = run_pytest(
        tmp_path,
        "import sys\ndef test_it():\n    assert 'langchain_core' not in sys.modules\n",
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with start_valkey(tmp_path / "server") as server:
        yield server


def test_each_test_has_a_journal_of_its_own(tmp_path: Path, own_server: Server) -> None:
    test = (
        "def program(durable):\n"
        "    with durable.run('r'):\n"
        "        return durable.step(len, 'abc'), len(durable.runs())\n"
        "def test_one(durable):\n"
        "    assert program(durable) == (3, 1)\n"
        "    assert durable.get('r').attempt == 1\n"
        "test_two = test_one\n"
    )
    for _ in range(2):
        done = run_pytest(tmp_path, test, "--durable-url", own_server.url)
        assert done.returncode == 0, done.stdout
    assert own_server.client().dbsize() == 0


def no_program(durable: Durable, run_id: str) -> None:
    """What is refused before it is run."""


@pytest.mark.parametrize("most", [0, -1, "2"])
def test_kill_points_do_not_pass_for_a_test_without_a_kill(most: Any) -> None:
    with pytest.raises(ConfigurationError, match="a number of kills"):
        KillPoints("memory://")(no_program, most=most)
