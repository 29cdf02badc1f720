"""The demo, played for real, and its counting, which must not believe the library."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from langchain_durable.demo.attempt import Attempt
from langchain_durable.demo.calls import Call, Line, model_key
from langchain_durable.demo.report import Fate, Report, judge
from langchain_durable.demo.scenario import ANSWER, MODEL
from langchain_durable.demo.source import shown_lines
from langchain_durable.testing.effects import Effect, Phase
from langchain_durable.testing.openai_server import Ending, Request
from tests.cli.conftest import Cli
from tests.servers import start_valkey

NOWHERE = "redis://127.0.0.1:1/0"
"""What the environment names is not what the demo uses."""


def test_the_demo_kills_and_resumes_and_counts_in_an_odd_directory(tmp_path: Path) -> None:
    odd = tmp_path / ("an ödd %20 [directory]? " + "with a very long name " * 4).strip()
    odd.mkdir()

    said = Cli(tmp_path, NOWHERE)("demo", "--json", TMPDIR=str(odd))

    report = said.json()
    assert (said.code, report["ok"]) == (0, True)
    assert report["finished_calls_made_again"] == 0
    assert report["requests"] == {"attempt_1": 4, "attempt_2": 2, "without_durability": 9}
    assert report["saved"]["model_calls"] == 2
    assert report["saved"]["tool_calls"] == 4
    assert [call["attempt_2"] for call in report["calls"]].count("ran") == 3
    assert report["answer"] == ANSWER
    assert list(odd.iterdir()) == []


@pytest.mark.soak
def test_the_demo_is_readable_without_a_terminal_and_its_journal_can_be_kept(
    tmp_path: Path,
) -> None:
    cli = Cli(tmp_path, "")

    said = cli("demo", "--kill-at", "9", "--keep", TMPDIR=str(tmp_path), COLUMNS="80", NO_COLOR="1")

    assert said.code == 0, said.out + said.err
    assert said.err == ""
    assert "\x1b" not in said.out
    assert "✗ tool      refund              cut off" in said.out
    assert "✓ 0 finished calls were made again" in said.out
    assert "✓ the refund was paid once" in said.out
    (kept,) = tmp_path.glob("langchain-durable-demo-*")
    shown = cli("show", "order-1042", "--json", "--url", f"embedded://{kept}/journal").json()
    assert (shown["status"], shown["attempt"]) == ("completed", 2)


@pytest.mark.soak
def test_the_demo_leaves_no_key_on_a_server_of_ones_own(tmp_path: Path) -> None:
    with start_valkey(tmp_path / "server") as server:
        said = Cli(tmp_path, NOWHERE)("demo", "--json", "--seed", "1", "--url", server.url)
        with redis.Redis.from_url(server.url) as client:
            keys = client.keys()

    report = said.json()
    assert [check["claim"] for check in report["checks"] if not check["holds"]] == []
    assert keys == []


def test_a_call_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    assert Cli(tmp_path, NOWHERE)("demo", "--kill-at", "11").code == 2


def test_the_program_on_the_screen_has_one_durable_line() -> None:
    lines = shown_lines()

    assert [line for line, durable in lines if durable] == ["agent = durable.wrap(agent)"]


# -- the counting ---------------------------------------------------------------------

ASKED = Call(kind="model", name=MODEL, key=model_key(MODEL, 1, "hello"))
REFUND = Call(kind="tool", name="refund", key="1042")


def attempt(number: int, *said: tuple[str, Call], answer: str = "") -> Attempt:
    lines = [Line(said=word, time=place, call=call) for place, (word, call) in enumerate(said)]
    if answer:
        lines.append(Line(said="answer", time=len(lines), text=answer))
    return Attempt(number=number, pid=number, killed=number == 1, exit_code=0, lines=tuple(lines))


def request(number: int) -> Request:
    return Request(
        number=number,
        tag="order-1042",
        attempt=str(number),
        path="chat/completions",
        model=MODEL,
        key="",
        messages=({"role": "user", "content": "hello"},),
        stream=False,
        time=0,
        effect=0,
        ending=Ending.ANSWERED,
    )


def paid(pid: int) -> list[Effect]:
    return [
        Effect(name="refund", key="1042", phase=phase, pid=pid, time=0)
        for phase in (Phase.BEGIN, Phase.EFFECT)
    ]


def report(*, requests: list[Request], effects: list[Effect]) -> Report:
    first = attempt(1, ("asked", ASKED), ("got", ASKED), ("asked", REFUND))
    second = attempt(
        2, ("asked", ASKED), ("got", ASKED), ("asked", REFUND), ("got", REFUND), answer=ANSWER
    )
    return judge((first, second), requests, effects, target=("tool", "refund"))


def test_a_finished_call_that_the_server_saw_again_is_no_success() -> None:
    seen = report(requests=[request(1), request(2)], effects=paid(2))

    assert (seen.ok, seen.repeated) == (False, 1)
    assert seen.rows[0].fates == (Fate.RAN, Fate.RAN)
    assert seen.checks[0].claim == "1 finished call was made again"


def test_a_refund_that_was_paid_twice_is_no_success() -> None:
    seen = report(requests=[request(1)], effects=paid(1) + paid(2))

    assert not seen.ok
    assert [check.claim for check in seen.checks if not check.holds] == [
        "the refund was paid 2 times"
    ]


def test_a_call_that_only_the_program_saw_again_was_replayed() -> None:
    seen = report(requests=[request(1)], effects=paid(2))

    assert seen.ok
    assert [row.fates for row in seen.rows] == [
        (Fate.RAN, Fate.REPLAYED),
        (Fate.KILLED, Fate.RAN),
    ]
    assert (seen.requests, seen.requests_without) == ((1, 0), 2)


def test_a_result_that_was_journaled_as_the_process_died_is_not_missed() -> None:
    first = attempt(1, ("asked", ASKED), ("got", ASKED), ("asked", REFUND))
    second = attempt(
        2, ("asked", ASKED), ("got", ASKED), ("asked", REFUND), ("got", REFUND), answer=ANSWER
    )
    seen = judge((first, second), [request(1)], paid(1), target=("tool", "refund"))

    assert seen.ok
    assert seen.rows[1].fates == (Fate.KILLED, Fate.REPLAYED)
