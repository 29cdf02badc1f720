"""What Prometheus reads of journals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from langchain_durable.costs import Ledger
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.metrics.journal_totals import JournalTotals
from langchain_durable.metrics.label_values import LONGEST, MOST

SECOND = 1_000_000_000


def ledger_of(*calls: tuple[str, str], tenant: str = "acme") -> Ledger:
    """One completed run with these calls of models, each (model, cost) and a second long."""
    events: list[Any] = [AttemptStarted(time=0, owner="", span_id="")]
    for number, (model, cost) in enumerate(calls):
        step = number.to_bytes(4)
        start = StepStarted(
            step=step, kind=StepKind.MODEL, name=model, time=0, span_id="", parent_span_id=""
        )
        end = StepEnded(
            step=step,
            outcome=Outcome.COMPLETED,
            time=SECOND,
            usage=Usage(input_tokens=7, output_tokens=3, total_tokens=10),
            attributes={"cost": cost} if cost else {"unpriced": "unknown_model"},
        )
        events += [start, end]
    events.append(AttemptEnded(status=RunStatus.COMPLETED, time=SECOND))
    ledger = Ledger()
    ledger.add(
        [Entry(seq=seq, attempt=1, event=event) for seq, event in enumerate(events, 1)],
        tenant=tenant,
    )
    return ledger


def scraped(collector: JournalTotals) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    lines = generate_latest(registry).decode().splitlines()
    rows = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("langchain_durable_journal_"): float(value) for name, value in rows}


def test_totals_are_exact_and_by_model_and_tenant() -> None:
    found = scraped(
        JournalTotals(lambda: ledger_of(("gpt-4o", "0.25"), ("gpt-4o", "0.5"), ("other", "")))
    )
    expected = {
        "up": 1,
        "calls": 3,
        "errors": 0,
        "call_seconds": 3,
        "cost_usd": 0.75,
        'tokens{kind="input"}': 21,
        'tokens{kind="output"}': 9,
        'unpriced_calls{reason="unknown_model"}': 1,
        'model_calls{model="gpt-4o"}': 2,
        'model_cost_usd{model="gpt-4o"}': 0.75,
        'model_cost_usd{model="other"}': 0,
        'tenant_cost_usd{tenant="acme"}': 0.75,
    }
    assert {name: found.get(name) for name in expected} == expected


def test_nothing_is_by_run_or_by_day() -> None:
    names = scraped(JournalTotals(lambda: ledger_of(("gpt-4o", "1"))))
    assert not [name for name in names if "day" in name or "run_id" in name]


def test_of_too_many_models_the_cheapest_come_together() -> None:
    calls = [(f"model-{number:04}", str(1 + number)) for number in range(MOST + 2)]
    found = scraped(JournalTotals(lambda: ledger_of(*calls)))
    rows = {name: value for name, value in found.items() if name.startswith("model_cost_usd")}
    assert len(rows) == MOST + 1
    assert rows['model_cost_usd{model="other"}'] == 1 + 2
    assert sum(rows.values()) == found["cost_usd"]


def test_a_long_name_is_cut() -> None:
    found = scraped(JournalTotals(lambda: ledger_of(("x" * 500, "1"))))
    assert found[f'model_cost_usd{{model="{"x" * LONGEST}"}}'] == 1


def test_journals_that_cannot_be_read_do_not_fail_the_scrape(
    caplog: pytest.LogCaptureFixture,
) -> None:
    down = True

    def ledger() -> Ledger:
        if down:
            raise ConnectionError("the server is away")
        return ledger_of(("gpt-4o", "1"))

    collector = JournalTotals(ledger)
    assert [scraped(collector) for _ in range(2)] == [{"up": 0}] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    down = False
    found = scraped(collector)
    assert (found["up"], found["cost_usd"]) == (1, float(Decimal(1)))


def test_to_register_it_reads_no_journal() -> None:
    asked: list[None] = []

    def ledger() -> Ledger:
        asked.append(None)
        return Ledger()

    CollectorRegistry(auto_describe=True).register(JournalTotals(ledger))
    assert not asked
