"""``resolve``: deciding about a tool's call that its process died in."""

from __future__ import annotations

import re
import signal

import pytest

from tests.cli.conftest import Cli


def killed(cli: Cli, run_id: str) -> str:
    """A run whose process died in its second tool; that call's id."""
    assert cli.program(run_id, "killed") == -signal.SIGKILL
    step = cli("show", run_id, "--json").json()["steps"][1]
    assert step["outcome"] == "crashed"
    return str(step["id"])


def effects(cli: Cli) -> list[str]:
    return (cli.directory / "effects").read_text().split()


def test_a_result_by_hand_is_what_the_tool_answers(cli: Cli) -> None:
    step = killed(cli, "by hand")
    doubt = f"In doubt:  tool wrap_up, step {step}: its effect may have happened"
    assert doubt in cli("show", "by hand").out
    said = cli("resolve", "by hand", step, "--result", "wrapped by hand")
    assert "In doubt" not in cli("show", "by hand").out
    resumed = cli("resume", "by hand", "--app", "shop:agent")

    shown = cli("show", "by hand").out
    assert re.search(r"^attempt 2  .*  decided\n  tool wrap_up was given its result", shown, re.M)
    assert "tool wrap_up was given its result by hand" in cli("events", "by hand").out
    assert said.out.startswith("recorded as the tool's answer\n")
    assert "langchain-durable resume 'by hand' --app MODULE:RUNNABLE" in said.out
    assert resumed.out == "completed\nwrapped by hand\n"
    assert effects(cli) == ["weigh"]


def test_a_run_that_failed_in_doubt_says_how_to_decide_and_then_runs_again(cli: Cli) -> None:
    step = killed(cli, "careful")
    failed = cli("resume", "careful", "--app", "shop:agent", SHOP="with care")
    shown = cli("show", "careful").out
    decided = cli("resolve", "careful", step, "--again", "--json").json()
    assert "In doubt" not in cli("show", "careful").out
    resumed = cli("resume", "careful", "--app", "shop:agent", SHOP="with care")

    assert (failed.code, "langchain-durable resolve" in failed.err) == (1, True)
    assert "First:     langchain-durable resolve careful STEP --result RESULT, or --again" in shown
    assert step in shown
    assert f"In doubt:  tool wrap_up, step {step}: its effect may have happened" in shown
    assert "tool wrap_up was let run again" in cli("events", "careful").out
    assert (decided["step"], decided["again"], decided["status"]) == (step, True, "paused")
    assert resumed.out == "completed\ncoffee: 250 g, wrapped\n"
    assert effects(cli) == ["weigh", "wrap_up"]


@pytest.mark.parametrize("given", [(), ("--again", "--result", "7")])
def test_one_decision_has_to_be_given(cli: Cli, given: tuple[str, ...]) -> None:
    said = cli("resolve", "any", "0123456789abcdef", *given)

    assert said.code == 2
    assert "--result / --again" in said.err
