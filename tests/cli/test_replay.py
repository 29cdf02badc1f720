"""``replay``: a run step by step."""

from __future__ import annotations

import base64
import os
import pty
import re
import subprocess
import sys

import pytest

from langchain_durable import Durable
from langchain_durable.cli.keys import VARIABLE, read_key
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import StepKind
from tests.cli.conftest import Cli
from tests.cli.priced import Call, chat, tool, write_run
from tests.zygote import ROOT

KEY = bytes(range(32))

WALKED = """\
asked  completed
    input   {"question": "where?"}

  1 ✓ model gpt-4o  CLOCK, 1.00 s, 1,200 + 300 tokens, $0.00600
    out     Let me see.

  2 ✓ tool weigh  CLOCK, 200 ms
    in      {"item": "coffee"}
    out     250 g

  3 ✓ model gpt-4o  CLOCK, 2.00 s, 1,500 + 100 tokens, $0.00475
    out     It is 250 g.

    result  It is 250 g.
"""


def without_clocks(text: str) -> str:
    words = [
        "CLOCK," if word.count(":") == 2 and word.endswith(",") else word
        for word in text.split(" ")
    ]
    return " ".join(words)


def test_each_step_is_shown_with_what_went_in_and_came_out(priced: Cli) -> None:
    said = priced("replay", "asked")

    assert (said.code, said.err) == (0, "")
    assert without_clocks(said.out) == WALKED


def test_a_crashed_step_is_shown_beside_its_second_attempt(priced: Cli) -> None:
    lines = priced("replay", "resumed").out.splitlines()

    (crashed,) = [line for line in lines if line.startswith("  2 ")]
    (again,) = [line for line in lines if line.startswith("  3 ")]
    assert crashed.endswith("crashed")
    assert "attempt 2" in again


def test_an_error_is_shown_with_its_step(priced: Cli) -> None:
    said = priced("replay", "failed")

    assert "✗ tool pack" in said.out
    assert "    error   ValueError: no paper\n" in said.out


def test_json_has_the_steps_with_their_values(priced: Cli) -> None:
    said = priced("replay", "asked", "--json").json()

    assert (said["status"], said["input"]) == ("completed", {"question": "where?"})
    model, weigh, _ = said["steps"]
    assert model["output"] == {"role": "assistant", "content": "Let me see."}
    assert (model["cost"], model["duration"], model["outcome"]) == ("0.006", 1.0, "completed")
    assert (weigh["input"], weigh["output"], weigh["cost"]) == ({"item": "coffee"}, "250 g", None)
    assert said["result"] == "It is 250 g."


def test_a_decision_is_shown_as_it_was(cli: Cli) -> None:
    with Durable(cli.url, prefix="decided") as durable:
        call = Call(StepKind.MODEL, "judge", value={"v": {"urgent": 0.25}})
        write_run(durable.connector.connect().store, "decided", [[call]])

    (step,) = cli("replay", "decided", "--prefix", "decided", "--json").json()["steps"]

    assert step["output"] == {"urgent": 0.25}


def test_long_values_are_cut_unless_all_is_asked_for(cli: Cli) -> None:
    text = "\n".join(f"line {number} " + "x" * 600 for number in range(20))
    with Durable(cli.url, prefix="long") as durable:
        write_run(durable.connector.connect().store, "long", [[chat("o3", text + "\x1b[31m")]])

    short = cli("replay", "long", "--prefix", "long", COLUMNS="80").out
    full = cli("replay", "long", "--prefix", "long", "--full", COLUMNS="80").out

    assert "… 14 more lines" in short
    assert max(map(len, short.splitlines())) <= 80
    assert full.count("x" * 600) == 20
    assert "\x1b" not in full


def test_an_encrypted_run_needs_its_key_and_says_so(cli: Cli) -> None:
    with Durable(cli.url, prefix="sealed", encryption_key=KEY) as durable:
        runtime = durable.connector.connect()
        calls = [tool("weigh", {"item": "tea"}, "100 g")]
        write_run(runtime.store, "sealed", [calls], codec=runtime.codec, result="100 grams")

    at = ("sealed", "--prefix", "sealed")
    closed, opened = cli("replay", *at), cli("replay", *at, **{VARIABLE: KEY.hex()})
    wrong = cli("replay", *at, "--encryption-key", bytes(32).hex())
    shown = cli("show", *at, **{VARIABLE: base64.b64encode(KEY).decode()})

    assert closed.code == wrong.code == 0
    assert "    out     A record is encrypted.\n" in closed.out
    assert VARIABLE in closed.out
    assert "An encrypted record cannot be opened." in wrong.out
    assert "    out     100 g\n" in opened.out
    assert shown.out.rstrip().endswith("100 grams")
    assert "A record is encrypted." in cli("show", *at).out


def test_a_key_that_is_none_is_refused_without_showing_it(cli: Cli) -> None:
    said = cli("replay", "any", "--encryption-key", "hunter2-hunter2")

    assert said.code == 1
    assert "The encryption key cannot be read." in said.err
    assert "hunter2" not in said.err


@pytest.mark.parametrize("size", [16, 24, 32])
def test_keys_are_hexadecimal_or_base64(size: int) -> None:
    key = os.urandom(size)

    assert read_key(key.hex()) == key
    assert read_key(f" {base64.b64encode(key).decode()}\n") == key
    assert read_key(base64.urlsafe_b64encode(key).decode()) == key
    with pytest.raises(ConfigurationError, match="encryption key"):
        read_key(key.hex()[:-2])
    assert read_key("") is read_key(None) is None


@pytest.mark.parametrize(
    ("typed", "steps", "whole"), [("\n\n\n", 3, True), ("\nq\n", 1, False), ("\x04", 0, False)]
)
def test_on_a_terminal_enter_shows_the_next_step(
    priced: Cli, typed: str, steps: int, whole: bool
) -> None:
    said = on_terminal(priced, typed, "replay", "asked")

    assert sum(line.lstrip()[:3] in ("1 ✓", "2 ✓", "3 ✓") for line in said.splitlines()) == steps
    assert ("result  It is" in said) is whole
    assert "[1/3] Enter: next, q: quit" in said


def on_terminal(cli: Cli, typed: str, *arguments: str) -> str:
    """What a command prints on a terminal on which somebody types."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "langchain_durable.cli", *arguments]
    environment = cli.environment(COLUMNS="80", NO_COLOR="1", TERM="xterm")
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        said = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            said += part
    os.close(ours)
    assert process.returncode == 0, said
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode().replace("\r\n", "\n"))


def test_an_unknown_run_is_an_error(priced: Cli) -> None:
    said = priced("replay", "nobody")

    assert (said.code, said.out) == (1, "")
    assert "there is no such run" in said.err


def test_a_run_without_a_step_says_so(cli: Cli) -> None:
    with Durable(cli.url, prefix="empty") as durable:
        write_run(durable.connector.connect().store, "empty", [[]])

    assert "This run has made no step." in cli("replay", "empty", "--prefix", "empty").out
