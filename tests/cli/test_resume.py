"""``resume``: going on with a run by its id."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda

from langchain_durable import Durable
from langchain_durable.cli.keys import VARIABLE
from tests.cli.conftest import Cli

CLERK = Path(__file__).with_name("clerk.py")


def effects(cli: Cli) -> list[str]:
    return (cli.directory / "effects").read_text().split()


@pytest.fixture
def run_id(cli: Cli, request: pytest.FixtureRequest) -> str:
    """A run of this test's own, whose process was killed in its second tool."""
    named = f"{request.node.name}"[:200].replace("[", "-").replace("]", "")
    assert cli.program(named, "killed") == -signal.SIGKILL
    return named


@pytest.mark.parametrize("name", ["agent", "wrapped", "make_agent"])
def test_a_killed_run_goes_on_and_what_had_finished_is_not_made_again(
    cli: Cli, run_id: str, name: str
) -> None:
    said = cli("resume", run_id, "--app", f"shop:{name}")

    assert (said.code, said.out) == (0, "completed\ncoffee: 250 g, wrapped\n")
    assert "tool wrap_up completed" in said.err
    assert "attempt ended: completed  1 step replayed" in said.err
    assert "completed  1 step replayed\n" in cli("show", run_id).out
    assert effects(cli) == ["weigh", "wrap_up"]


def test_a_completed_run_gives_its_result_as_json_without_running(cli: Cli, run_id: str) -> None:
    cli("resume", run_id, "--app", "shop:agent")

    again = cli("resume", run_id, "--app", "shop:agent", "--json").json()

    assert again == {
        "run_id": run_id,
        "status": "completed",
        "reason": "",
        "attempt": 2,
        "result": "coffee: 250 g, wrapped",
    }
    assert effects(cli) == ["weigh", "wrap_up"]


def test_a_program_that_fails_shows_its_own_traceback(cli: Cli, run_id: str) -> None:
    said = cli("resume", run_id, "--app", "shop:agent", SHOP="badly")

    assert (said.code, said.out) == (1, "")
    assert "ValueError: no [red]paper[/red]" in said.err
    assert cli("show", run_id, "--json").json()["status"] == "failed"


def test_ctrl_c_pauses_the_run_and_exits_with_130(cli: Cli, run_id: str) -> None:
    with cli.start("resume", run_id, "--app", "shop:agent", SHOP="slowly") as process:
        assert process.stderr is not None
        while "waiting" not in (line := process.stderr.readline()):
            assert line, "it ended by itself"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert process.returncode == 130
    (row,) = [row for row in cli("runs", "--json").json() if row["run_id"] == run_id]
    assert (row["status"], row["reason"]) == ("paused", "keyboard interrupt")


@pytest.mark.parametrize(
    ("app", "problem", "hint"),
    [
        ("shop", "--app does not name a program.", "--app shop:agent"),
        ("./shop.py", "--app does not name a program.", "--app shop:agent"),
        ("nowhere:agent", "There is no module 'nowhere'.", "correct its name"),
        ("shop.py:wrapped", "There is no module 'shop.py'.", "--app shop:wrapped"),
        ("shop:nobody", "The module 'shop' has no 'nobody'.", "correct the name"),
        ("shop:prices", "--app does not name a LangChain runnable.", "calls invoke on"),
        ("shop:make_nothing", "The function that --app names cannot be called.", "no arguments"),
    ],
)
def test_a_program_that_cannot_be_found_is_explained(
    cli: Cli, app: str, problem: str, hint: str
) -> None:
    said = cli("resume", "any", "--app", app)

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error: {problem}")
    assert hint in said.err


def test_a_name_that_is_none_is_told_from_the_runnables(cli: Cli) -> None:
    said = " ".join(cli("resume", "any", "--app", "shop:nobody").err.split())

    assert "it has: note, weigh, wrap_up, serve, agent, wrapped, make_agent, make_nothing" in said


def test_a_module_that_lacks_a_package_names_the_package(cli: Cli) -> None:
    Path(cli.directory / "broken.py").write_text("import a_package_nobody_has\n")

    said = cli("resume", "any", "--app", "broken:agent")

    assert "The module 'broken' cannot be imported." in said.err
    assert "a_package_nobody_has" in said.err


def test_an_encrypted_run_is_resumed_with_its_key(cli: Cli) -> None:
    key = bytes(range(32))
    with Durable(cli.url, encryption_key=key) as durable:
        program = durable.wrap(RunnableLambda(str.upper), name="shop")
        program.invoke("tea", durable.config("sealed"))

    resume = ("resume", "sealed", "--app", "shop:agent")
    closed, opened = cli(*resume), cli(*resume, **{VARIABLE: key.hex()})

    assert (closed.code, closed.out) == (1, "")
    assert "A record is encrypted." in closed.err
    assert (opened.code, opened.out) == (0, "completed\nTEA\n")


def test_an_unknown_run_is_not_begun(cli: Cli) -> None:
    said = cli("resume", "nobody", "--app", "shop:agent")

    assert said.code == 1
    assert "there is no such run" in said.err
    assert not (cli.directory / "effects").exists()


@pytest.fixture
def asking(cli: Cli, request: pytest.FixtureRequest) -> str:
    """A run of this test's own that is paused at a question."""
    (cli.directory / CLERK.name).write_text(CLERK.read_text())
    named = re.sub(r"\W", "-", request.node.name)
    assert cli.script(CLERK, named).code == 0
    return named


def test_a_paused_run_says_what_it_asks_and_how_to_answer(cli: Cli, asking: str) -> None:
    way_on = f"To go on:  langchain-durable resume {asking} --app MODULE:RUNNABLE --answer ANSWER"
    shown = cli("show", asking).out
    assert way_on in shown
    assert "Send coffee: 250 g?" in shown[shown.index("\nasks\n") :]

    said = cli("resume", asking, "--app", "clerk:graph")

    assert said.code == 0
    assert said.out.startswith("paused (interrupt)\nasks ")
    assert "Send coffee: 250 g?" in said.out
    assert way_on.replace("MODULE:RUNNABLE", "clerk:graph") in said.out


@pytest.mark.parametrize(
    ("given", "taken"), [("yes, do", "yes, do"), ('{"send": true}', {"send": True}), ("7", 7)]
)
def test_an_answer_is_json_or_else_a_text(cli: Cli, asking: str, given: str, taken: object) -> None:
    said = cli("resume", asking, "--app", "clerk:graph", "--answer", given, "--json").json()

    assert said["status"] == "completed"
    assert said["result"]["log"] == ["coffee: 250 g", repr(taken)]
    assert effects(cli) == ["weigh"]


def test_an_answer_that_nobody_asked_for_is_refused(cli: Cli, run_id: str) -> None:
    said = cli("resume", run_id, "--app", "shop:agent", "--answer", "yes")

    assert said.code == 1
    assert "waits for no answer" in said.err
    assert effects(cli) == ["weigh"]


def test_null_is_no_answer(cli: Cli) -> None:
    said = cli("resume", "any", "--app", "shop:agent", "--answer", "null")

    assert said.code == 2
    assert "null is no answer" in said.err
