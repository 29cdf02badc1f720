"""``costs``: what runs cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from langchain_durable import Durable
from langchain_durable.cli.costs import read_since
from langchain_durable.errors import ConfigurationError
from tests.cli.conftest import Cli
from tests.cli.priced import chat, write_run

TABLE = """\
cost     $2.01
tokens   2,002,715 in, 455 out
calls    8, 1.02 s on average, 12% failed, 1 cut off by a crash
unpriced 1 call: unknown model
saved    $2.00 by 1 replayed call
failed   $0.000125 spent on failed runs
runs     4

model                       of cost     cost     in  out  calls  average  failed
claude-haiku-4-5-20251001   ━━━━━━━    $2.00  2.00M   40      1   1.00 s      0%
gpt-4o                      ╸        $0.0109  2,710  410      3   1.33 s      0%
a-model-of-our-own-with-a-                 -      5    5      1   1.00 s      0%
very-long-name/fine-tuned-
2026-11-01
"""


def test_totals_and_a_table_by_model_at_80_columns(priced: Cli) -> None:
    said = priced("costs", COLUMNS="80")

    assert [line.rstrip() for line in said.out.splitlines()] == TABLE.splitlines()


def test_a_wide_terminal_has_longer_bars_and_unpriced_calls(priced: Cli) -> None:
    lines = priced("costs", COLUMNS="120").out.splitlines()

    assert any("━" * 20 in line for line in lines)
    assert any(line.endswith("failed  unpriced") for line in lines)
    assert max(map(len, lines)) <= 120


def test_rows_may_be_tools_agents_tenants_or_days(priced: Cli) -> None:
    rows = {
        by: [
            line.split()[0]
            for line in priced("costs", "--by", by).out.partition("\n\n")[2].splitlines()
        ]
        for by in ("tool", "agent", "tenant", "day")
    }

    assert rows == {
        "tool": ["tool", "weigh", "pack"],
        "agent": ["agent", "clerk"],
        "tenant": ["tenant", "globex", "acme"],
        "day": ["day", "2026-11-19", "2026-11-18"],
    }


def test_json_has_exact_dollars(priced: Cli) -> None:
    said = priced("costs", "--by", "tenant", "--json").json()

    assert (said["runs"], said["expired"]) == (4, 0)
    assert said["total"] == {
        "cost": "2.011075",
        "estimated": "0",
        "saved": "2.0002",
        "failed_runs": "0.000125",
        "unpriced": {"unknown_model": 1},
        "tokens": {"input": 2_002_715, "output": 455},
        "calls": 8,
        "errors": 1,
        "crashed": 1,
        "replayed": 1,
        "error_rate": 0.125,
        "mean_duration": 1.025,
    }
    assert [(row["tenant"], row["cost"]) for row in said["rows"]] == [
        ("acme", "0.010875"),
        ("globex", "2.0002"),
    ]


def test_a_status_a_limit_and_a_date_choose_the_runs(priced: Cli) -> None:
    failed = priced("costs", "--status", "failed", "--json").json()
    limited = priced("costs", "--limit", "2")
    later = priced("costs", "--since", "2999-01-01")

    assert (failed["runs"], failed["total"]["cost"]) == (1, "0.000125")
    assert limited.out.endswith("The last 2 runs; --limit gives more.\n")
    assert later.out == "There are no such runs.\n"


def test_a_call_of_a_crashed_run_counts_as_cut_off_before_the_run_is_resumed(filled: Cli) -> None:
    crashed = filled("costs", "--status", "crashed", "--json").json()
    lines = filled("show", "crashed").out + filled("costs").out

    assert (crashed["runs"], crashed["total"]["calls"], crashed["total"]["crashed"]) == (1, 1, 1)
    assert "1 cut off by a crash" in lines


def test_runs_without_a_tenant_are_said_to_have_none(filled: Cli) -> None:
    said = filled("costs", "--by", "tenant")

    assert said.out.startswith("cost     $0\ncalls    ")
    assert said.out.endswith("No call says its tenant.\n")


def test_without_a_price_table_the_cost_is_not_said_to_be_nothing(cli: Cli) -> None:
    with Durable(cli.url, prefix="bare") as durable:
        write_run(durable.connector.connect().store, "bare", [[chat("gpt-4o", "Hm.", (10, 10))]])

    said = cli("costs", "--prefix", "bare")
    shown = cli("show", "bare", "--prefix", "bare")
    exact = cli("costs", "--prefix", "bare", "--json").json()

    unknown = "cost     not known: no price table (pip install 'langchain-durable[costs]')\n"
    assert said.out.startswith(unknown)
    assert unknown in shown.out
    assert exact["total"]["unpriced"] == {"no_price_table": 1}


def test_a_journal_without_runs_has_none_yet(cli: Cli) -> None:
    assert cli("costs", "--prefix", "nobody-was-here").out == "There are no runs yet.\n"


def test_a_date_that_is_none_is_an_error(priced: Cli) -> None:
    said = priced("costs", "--since", "yesterday")

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: --since is not a date.\n  expected: 2026-11-01, ")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 21, 12, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 15, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 8, tzinfo=UTC)),
    ],
)
def test_dates_and_ages_are_read_as_utc(text: str, moment: datetime) -> None:
    assert read_since(text, now=datetime(2026, 11, 22, tzinfo=UTC)) == moment


@pytest.mark.parametrize("text", ["", "7", "d", "2026-13-01", "-7d", "99999w", "2026-11-01 at 9"])
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not a date"):
        read_since(text, now=datetime(2026, 11, 22, tzinfo=UTC))


def test_an_age_is_from_now() -> None:
    now = datetime.now(UTC)

    assert read_since("1d", now=now) == now - timedelta(days=1)
