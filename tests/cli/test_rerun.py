"""``replay --rerun``: the program again, from its journal alone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI, ToolCall
from tests.cli.conftest import Cli

CLERK = Path(__file__).with_name("clerk.py")
ASKING = Path(__file__).with_name("asking.py")
RULES = [
    Rule(when="How heavy", calls=(ToolCall(name="weigh", args={"item": "coffee"}),)),
    Rule(when="250 g", says="It weighs 250 g."),
]


@pytest.fixture
def asked(cli: Cli, request: pytest.FixtureRequest) -> str:
    """A run of an agent that is completed; its model's server has gone."""
    (cli.directory / ASKING.name).write_text(ASKING.read_text())
    run_id: str = request.node.name.replace("[", "-").replace("]", "")
    with ScriptedOpenAI(RULES) as server:
        said = cli.script(ASKING, run_id, MODELS=server.url, OPENAI_API_KEY="run")
        assert (said.code, said.out) == (0, "It weighs 250 g.\n"), said.err
    (cli.directory / "effects").unlink()
    return run_id


def effects(cli: Cli) -> list[str]:
    path = cli.directory / "effects"
    return path.read_text().split() if path.exists() else []


def test_an_agent_runs_again_without_key_network_or_effect(cli: Cli, asked: str) -> None:
    before = cli("events", asked, "--json").out
    said = cli("replay", asked, "--rerun", "--app", "asking:make_agent", MODELS="http://[::1]:1")

    assert said.out == (
        "  1 ✓ model     gpt-4o\n"
        "  2 ✓ tool      weigh\n"
        "  3 ✓ model     gpt-4o\n"
        "3 steps replayed, no call was made\n"
        "It weighs 250 g.\n"
    ), said.err
    assert said.code == 0
    assert effects(cli) == []
    assert cli("events", asked, "--json").out == before


def test_a_call_that_the_run_never_made_is_an_error_that_names_it(cli: Cli, asked: str) -> None:
    said = cli("replay", asked, "--rerun", "--app", "asking:make_agent", ASKING="more")

    assert (said.code, said.out) == (1, "")
    assert "tool:audit" in said.err
    assert "a call of the tool 'audit' that the run never made" in " ".join(said.err.split())
    assert effects(cli) == []


def test_json_has_the_result_and_the_steps(cli: Cli) -> None:
    assert cli.program("rerun-json", "well") == 0

    said = cli("replay", "rerun-json", "--rerun", "--app", "shop:agent", "--json").json()

    assert said["result"] == "coffee: 250 g, wrapped"
    assert [(step["kind"], step["name"]) for step in said["steps"]] == [
        ("tool", "weigh"),
        ("tool", "wrap_up"),
    ]
    assert effects(cli) == ["weigh", "wrap_up"]


@pytest.mark.parametrize("name", ["agent", "wrapped"])
def test_a_failed_run_fails_again_in_the_same_way(cli: Cli, name: str) -> None:
    assert cli.program(f"fails-{name}", "badly") == 1

    said = cli("replay", f"fails-{name}", "--rerun", "--app", f"shop:{name}")

    assert said.code == 1
    assert "  2 ✗ tool      wrap_up  ValueError: no [red]paper[/red] left\n" in said.out
    assert "ValueError: no [red]paper[/red]" in said.err
    assert effects(cli) == ["weigh"]


def test_what_a_crash_cut_off_is_not_called(cli: Cli) -> None:
    assert cli.program("cut-off", "killed") == -signal.SIGKILL

    said = cli("replay", "cut-off", "--rerun", "--app", "shop:agent")

    assert said.code == 1
    assert "a call of the tool 'wrap_up' that a crash cut off" in " ".join(said.err.split())
    assert effects(cli) == ["weigh"]
    assert cli("show", "cut-off", "--json").json()["status"] == "running"


def test_a_resumed_run_is_replayed_over_its_attempts(cli: Cli) -> None:
    assert cli.program("resumed", "killed") == -signal.SIGKILL
    assert cli("resume", "resumed", "--app", "shop:agent").code == 0

    said = cli("replay", "resumed", "--rerun", "--app", "shop:agent")

    assert said.out.endswith("2 steps replayed, no call was made\ncoffee: 250 g, wrapped\n")
    assert effects(cli) == ["weigh", "wrap_up"]


@pytest.mark.parametrize("arguments", [("--rerun",), ("--app", "shop:agent")])
def test_the_program_and_the_wish_go_together(cli: Cli, arguments: tuple[str, ...]) -> None:
    said = cli("replay", "any", *arguments)

    assert said.code == 1
    assert "--rerun and --app go together." in said.err


def test_an_unknown_run_is_an_error(cli: Cli) -> None:
    said = cli("replay", "nobody", "--rerun", "--app", "shop:agent")

    assert said.code == 1
    assert "there is no such run" in said.err


def test_a_run_that_was_answered_is_not_replayed_behind_its_question(cli: Cli) -> None:
    (cli.directory / CLERK.name).write_text(CLERK.read_text())
    assert cli.script(CLERK, "answered").code == 0
    rerun = ("replay", "answered", "--rerun", "--app", "clerk:graph")
    paused = cli(*rerun)
    assert cli("resume", "answered", "--app", "clerk:graph", "--answer", "yes").code == 0
    said, told = cli(*rerun), cli(*rerun, "--json")

    stopped = "stopped at the interrupt: 0 recorded steps were not reached"
    assert (paused.code, stopped in paused.out) == (0, False)
    assert "Send coffee: 250 g?\n" in paused.out
    assert (said.code, told.code) == (1, 1)
    assert said.out.endswith(f": Send coffee: 250 g?\n{stopped}\n")
    assert told.json()["error"] == stopped
