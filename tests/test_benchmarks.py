"""The benchmarks run, and what they say is what they saw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import ALL
from benchmarks.measure import Sample, Series, in_turns, ratio
from benchmarks.report import summary, table
from benchmarks.row import Row, Target
from benchmarks.tracers import PEER, peer, skipped
from langchain_durable.waiting import adrive, drive

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a quick run printed, and the JSON that it wrote."""
    path = tmp_path_factory.mktemp("benchmarks") / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, json.loads(path.read_text(encoding="utf-8"))


def rows(figures: dict[str, Any], benchmark: str) -> dict[str, dict[str, Any]]:
    return {row["case"]: row for row in figures["benchmarks"][benchmark]}


@pytest.mark.soak
def test_a_quick_run_measures_every_benchmark(quick: tuple[str, dict[str, Any]]) -> None:
    printed, figures = quick
    assert list(figures["benchmarks"]) == [benchmark.name for benchmark in ALL]
    for benchmark in ALL:
        assert f"== {benchmark.name}: " in printed
        for row in figures["benchmarks"][benchmark.name]:
            assert row["value"] is not None or row["verdict"] == "SKIPPED"


@pytest.mark.soak
def test_a_model_step_awaits_one_round_trip_and_a_tool_step_two(
    quick: tuple[str, dict[str, Any]],
) -> None:
    found = rows(quick[1], "round-trips")
    awaited = {case: row["value"] for case, row in found.items() if case.startswith("awaited")}
    assert {case: value for case, value in awaited.items() if "model step" in case} == {
        "awaited by a model step, sync": 1,
        "awaited by a model step, async": 1,
    }
    assert set(awaited.values()) == {1, 2}


@pytest.mark.soak
@pytest.mark.parametrize("benchmark", ["round-trips", "bytes", "saver"])
def test_what_is_counted_and_not_timed_reaches_its_targets(
    quick: tuple[str, dict[str, Any]], benchmark: str
) -> None:
    found = rows(quick[1], benchmark)
    assert [case for case, row in found.items() if row["verdict"] in ("MISS", "SKIPPED")] == []


@pytest.mark.soak
def test_every_way_of_tracing_makes_its_spans_and_ours_have_prices(
    quick: tuple[str, dict[str, Any]],
) -> None:
    found = {
        case: (row["spans"], row["priced"])
        for case, row in rows(quick[1], "telemetry").items()
        if case.startswith("agent, short, sync") and row["verdict"] != "SKIPPED"
    }
    expected = {"official": (7, 0), "observed": (7, 3)}
    expected |= dict.fromkeys(("durable, in memory", "durable, on Valkey"), (9, 3))
    # Counted over the calls of a turn: what is left to the next way's turn would be seen here.
    assert found == {
        f"agent, short, sync: {way}": counts
        for way, counts in expected.items()
        if way != "official" or peer() is not None
    }


@pytest.mark.soak
def test_we_are_held_to_the_official_instrumentor_in_the_same_run(
    quick: tuple[str, dict[str, Any]],
) -> None:
    if peer() is None:
        pytest.skip("the official instrumentor is not installed")
    found = rows(quick[1], "telemetry")
    for case, row in found.items():
        program, _, way = case.rpartition(": ")
        official = found[f"{program}: official"]["value"]
        bound = {"official": None, "observed": official}.get(way, 1.2 * official)
        assert row["target"] == (None if bound is None else f"<= {round(bound, 2):g}")


def test_without_the_official_instrumentor_its_rows_say_what_to_install() -> None:
    row = skipped("agent, short, sync", "x")
    assert row.verdict == "SKIPPED"
    assert f"pip install {PEER}" in summary({"telemetry": [row]})


@pytest.mark.soak
def test_the_machine_is_told_without_names_and_paths(quick: tuple[str, dict[str, Any]]) -> None:
    about = quick[1]["about"]
    assert {"CPU", "memory", "system", "Python", "server", "packages"} < about.keys()
    assert str(Path.home()) not in json.dumps(about)


def test_an_unknown_benchmark_is_refused_with_the_names_of_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from benchmarks.__main__ import main

    with pytest.raises(SystemExit):
        main(["--only", "nonsense"])
    refused = capsys.readouterr().err
    assert all(benchmark.name in refused for benchmark in ALL)


def test_sides_take_turns_in_an_order_that_rotates() -> None:
    seen: list[str] = []
    sides = {name: (lambda name=name: seen.append(name)) for name in "ab"}
    drive(in_turns(sides, rounds=4, warmup=0))
    assert [seen[at : at + 2] for at in range(0, 8, 2)] == [
        ["a", "b"],
        ["b", "a"],
        ["b", "a"],
        ["a", "b"],
    ]


async def test_sides_are_awaited_on_an_event_loop() -> None:
    seen: list[str] = []

    async def side() -> None:
        seen.append("awaited")

    found = await adrive(in_turns({"one": side}, rounds=3, warmup=1))
    assert len(seen) == 4
    assert len(found["one"].samples) == 3


def test_a_ratio_is_the_median_of_those_within_a_round() -> None:
    ours = Series(tuple(Sample(0.0, cpu) for cpu in (3.0, 40.0, 2.5)))
    theirs = Series(tuple(Sample(0.0, cpu) for cpu in (2.0, 20.0, 1.0)))
    found = ratio(ours, theirs, "cpu")
    assert (found.paired, found.minima) == (2.0, 2.5)


def test_a_table_shows_target_and_verdict_beside_the_figure() -> None:
    row = Row(case="a step", value=2.5, minima=1.9, unit="x", target=Target(2.0))
    header, line = table(ALL[0], [row]).splitlines()[1:3]
    assert header.split() == ["figure", "by", "minima", "target"]
    assert line.split() == ["a", "step", "2.50", "x", "1.90", "<=", "2", "MISS"]


def test_what_could_not_be_measured_is_said_loudly() -> None:
    row = Row(
        case="DBOS", value=None, unit="x", target=Target(10, "at least"), detail="not installed"
    )
    assert row.verdict == "SKIPPED"
    assert "SKIPPED: step: DBOS" in summary({"step": [row]})
    assert summary({"step": [row]}).startswith("0 of 1 targets reached")
