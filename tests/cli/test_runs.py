"""``runs``: the list."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from langchain_durable.cli.runs import column_widths
from tests.cli.conftest import LONG, STRANGE, Cli


def test_the_list_has_every_run_with_its_status(filled: Cli) -> None:
    rows = {row["run_id"]: row for row in filled("runs", "--json").json()}

    assert {run_id: row["status"] for run_id, row in rows.items()} == {
        "done": "completed",
        "broken": "failed",
        "crashed": "running",
        LONG: "completed",
        STRANGE: "completed",
    }
    assert rows["broken"]["reason"] == "ValueError"
    assert datetime.fromisoformat(rows["done"]["updated"]).utcoffset() == timedelta(0)


def test_a_run_whose_process_died_is_told_from_one_that_runs(filled: Cli) -> None:
    rows = {row["run_id"]: row for row in filled("runs", "--json").json()}
    said = filled("runs", "--status", "running")

    assert rows["crashed"]["alive"] is False
    assert "running, its process is dead" in said.out


def test_a_status_and_a_limit_choose_among_them(filled: Cli) -> None:
    completed = filled("runs", "--status", "completed", "--json").json()
    last = filled("runs", "--limit", "1", "--json").json()

    assert {row["run_id"] for row in completed} == {"done", LONG, STRANGE}
    assert [row["run_id"] for row in last] == [STRANGE]


def test_another_prefix_is_another_journal(filled: Cli) -> None:
    said = filled("runs", "--prefix", "elsewhere")

    assert (said.code, said.out) == (0, "There are no runs yet.\n")


def test_long_ids_fold_at_80_columns_and_nothing_of_them_is_lost(filled: Cli) -> None:
    said = filled("runs", COLUMNS="80")

    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    ids = "".join(line.split(" ")[0] for line in lines)
    assert LONG in ids
    assert sum("x" * 20 in line for line in lines) <= 6


@pytest.mark.parametrize("total", [40, 60, 80, 100, 200])
def test_columns_fit_and_a_uuid_has_its_place_from_80_columns_on(total: int) -> None:
    run, status, program = column_widths(total, run=120, status=28, named=34)

    assert run + status + program <= max(total - 26, 30)
    assert min(run, status, program) >= 7
    assert total < 80 or run >= 36


def test_without_a_terminal_a_run_is_one_line_and_markup_is_text(filled: Cli) -> None:
    lines = filled("runs").out.splitlines()

    assert len(lines) == 6
    assert any(line.startswith(STRANGE) for line in lines)
    assert "\x1b" not in "".join(lines)
