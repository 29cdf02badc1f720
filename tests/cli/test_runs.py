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

    assert (rows["crashed"]["alive"], rows["crashed"]["crashed"]) == (False, True)
    assert [row["run_id"] for row in rows.values() if row["crashed"]] == ["crashed"]
    assert "langchain-durable resume RUN" in said.out


def test_the_runs_that_wait_for_a_resume_are_listed_alone(filled: Cli) -> None:
    crashed = filled("runs", "--status", "crashed", "--json").json()

    assert [row["run_id"] for row in crashed] == ["crashed"]


def test_a_word_that_is_no_status_is_refused_with_those_that_are(filled: Cli) -> None:
    said = filled("runs", "--status", "dead", COLUMNS="150")

    assert said.code == 2
    assert "failed, cancelled, crashed" in said.err


def test_a_status_and_a_limit_choose_among_them(filled: Cli) -> None:
    completed = filled("runs", "--status", "completed", "--json").json()
    last = filled("runs", "--limit", "1", "--json").json()

    assert {row["run_id"] for row in completed} == {"done", LONG, STRANGE}
    assert [row["run_id"] for row in last] == [STRANGE]


def test_another_prefix_is_another_journal(filled: Cli) -> None:
    said = filled("runs", "--prefix", "elsewhere")

    assert (said.code, said.out) == (0, "There are no runs yet.\n")


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_an_id_that_has_no_room_in_the_table_is_whole_on_a_line(filled: Cli, columns: int) -> None:
    lines = filled("runs", COLUMNS=str(columns)).out.splitlines()

    assert {"done", "crashed", LONG, STRANGE} <= set(lines)
    assert all(len(line) <= columns for line in lines if line.startswith(" "))


@pytest.mark.parametrize("status", [9, 28])
@pytest.mark.parametrize("total", [40, 60, 78, 100, 200])
def test_columns_fit_and_a_uuid_has_its_place_from_78_columns_on(total: int, status: int) -> None:
    widths = column_widths(total, run=36, status=status, named=34)

    assert (widths is not None) == (total >= 78)
    if widths is not None:
        assert widths[0] == 36
        assert sum(widths) <= total - 26
        assert min(widths) >= 7


def test_without_a_terminal_a_run_is_one_line_and_markup_is_text(filled: Cli) -> None:
    lines = filled("runs").out.splitlines()

    assert len(lines) == 7  # a heading, five runs, and how to go on
    assert any(line.startswith(STRANGE) for line in lines)
    assert "\x1b" not in "".join(lines)
