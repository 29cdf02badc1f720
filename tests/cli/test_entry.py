"""How the command starts and ends."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

COMMANDS = (
    *("demo", "runs", "show", "events", "replay", "costs", "export"),
    *("resume", "resolve", "cancel", "delete", "doctor", "up"),
)


def test_help_names_every_command(cli: Cli) -> None:
    said = cli("--help", COLUMNS="80")

    assert said.code == 0
    assert all(f"│ {command} " in said.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_prose_of_help_fills_its_lines(cli: Cli, command: str) -> None:
    prose = cli(command, "--help", COLUMNS="80").out.partition("╭")[0].splitlines()
    pairs = [(line.strip(), more.split()[0]) for line, more in pairwise(prose) if more.strip()]

    assert [line for line, word in pairs if line and len(f"{line} {word}") <= 78] == []


def test_a_fresh_interpreter_runs_the_command(filled: Cli) -> None:
    with filled.start("runs", "--status", "failed", "--json") as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert '"run_id": "broken"' in out


def test_help_imports_no_agent_library(cli: Cli) -> None:
    script = (
        "import sys; from langchain_durable.cli.app import app; "
        "sys.exit([name for name in ('langchain', 'langgraph.pregel', 'langchain_openai')"
        " if name in sys.modules] or 0)"
    )

    done = subprocess.run([sys.executable, "-c", script], env=cli.environment(), check=False)

    assert done.returncode == 0


def test_wrong_usage_exits_with_two(cli: Cli) -> None:
    for arguments in (("nonsense",), ("show",), ("runs", "--status", "tired"), ("resume", "r")):
        said = cli(*arguments)
        assert (said.code, said.out) == (2, "")
        assert "Usage" in said.err


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_a_missing_extra_is_named_with_the_line_that_installs_it(cli: Cli, missing: str) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None; "
        "from langchain_durable.cli import main; main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], env=cli.environment(), capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr == (
        f"langchain-durable: the command line needs {missing}.\n"
        '  pip install "langchain-durable[cli]"\n'
    )


def test_a_server_that_is_not_there_is_an_error_with_something_to_do(cli: Cli) -> None:
    said = cli("runs", "--url", "redis://127.0.0.1:1/0")

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert "\n  do:" in said.err


def test_a_url_that_is_none_never_shows_its_password(cli: Cli) -> None:
    said = cli("runs", "--url", "http://me:secret@localhost")

    assert said.code == 1
    assert "redis://" in said.err
    assert "secret" not in said.err


def test_a_command_in_the_wrong_directory_leaves_no_journal_behind(tmp_path: Path) -> None:
    said = Cli(tmp_path, "")("runs")

    assert said.code == 1
    assert str(tmp_path / ".langchain_durable") in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("events", "done", "--json"), ("show", "done"), ("runs",)])
def test_a_reader_that_leaves_early_is_no_error_to_talk_about(
    filled: Cli, arguments: tuple[str, ...]
) -> None:
    with filled.start(*arguments) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        complaints = process.stderr.read()

    assert complaints == ""
