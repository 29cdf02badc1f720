"""Adding up what runs cost."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from langchain_durable import Durable
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import RunStatus
from langchain_durable.ids import new
from langchain_durable.journal import Retention
from langchain_durable.reading.spending import spending
from langchain_durable.store.memory import MemoryStore
from langchain_durable.waiting import drive
from tests.cli.priced import chat, write_all, write_run


@pytest.fixture
def handle() -> Iterator[Durable]:
    # Each look at the clock is a millisecond later: no two runs are updated at once.
    ticks = itertools.count(time.time_ns() // 1_000_000)
    durable = Durable(f"memory://{new()}")
    with durable:
        durable.connector.connect().store = MemoryStore(clock=lambda: next(ticks))
        write_all(durable.connector.connect().store)
        yield durable


# 0.006 + 0.00475 (asked) + 2.0002 (resumed) + 0.000125 (failed)
ALL = Decimal("2.011075")


def test_all_runs_are_added_up_exactly(handle: Durable) -> None:
    ledger = handle.costs()

    assert ledger.total.cost == ALL
    assert ledger.total.saved == Decimal("2.0002")
    assert ledger.total.failed_runs == Decimal("0.000125")
    assert ledger.total.unpriced == {"unknown_model": 1}
    assert {key: totals.cost for key, totals in ledger.by("tenant").items()} == {
        "acme": Decimal("0.010875"),
        "globex": Decimal("2.0002"),
    }
    assert ledger.by("model")["gpt-4o"].tokens == {"input": 2710, "output": 410}


async def test_an_event_loop_gets_the_same(handle: Durable) -> None:
    assert (await handle.acosts()).total.cost == ALL


def test_a_status_and_a_limit_choose_the_runs(handle: Durable) -> None:
    assert handle.costs(status="failed").total.cost == Decimal("0.000125")
    assert handle.costs(status=RunStatus.PAUSED).total.calls == 0
    # The last one written is the newest: it has one unpriced call.
    assert handle.costs(limit=1).total.unpriced == {"unknown_model": 1}


def test_since_is_a_moment_and_without_a_zone_it_is_utc(handle: Durable) -> None:
    now = datetime.now(UTC)

    assert handle.costs(since=now - timedelta(hours=1)).total.cost == ALL
    assert handle.costs(since=now + timedelta(hours=1)).total.calls == 0
    assert handle.costs(since=(now + timedelta(hours=1)).replace(tzinfo=None)).total.calls == 0
    assert handle.costs(since=date(2026, 1, 1)).total.cost == ALL
    east = timezone(timedelta(hours=9))
    assert handle.costs(since=(now - timedelta(hours=1)).astimezone(east)).total.cost == ALL


def test_a_run_longer_than_a_page_is_counted_whole(handle: Durable) -> None:
    calls = [chat("gpt-4o-mini", "x", (1, 1), cost="0.001", seconds=0) for _ in range(450)]
    write_run(handle.connector.connect().store, "long", [calls])

    row = handle.costs().by("model")["gpt-4o-mini"]

    assert (row.calls, row.cost) == (450, Decimal("0.450"))


def test_many_runs_are_counted_each_once(handle: Durable) -> None:
    store = handle.connector.connect().store
    for number in range(40):
        write_run(store, f"run-{number}", [[chat("o3", "x", (1, 1), cost="0.1")]])

    total = drive(spending(handle.connector))

    assert total.runs == 44
    assert total.ledger.by("model")["o3"].cost == Decimal("4.0")


def test_a_run_whose_journal_has_expired_is_told() -> None:
    now = [1_000_000]
    store = MemoryStore(clock=lambda: now[0], retention=Retention(journal=1, header=1000))
    write_run(store, "old", [[chat("gpt-4o", "x", cost="1")]])
    now[0] += 2000
    write_run(store, "new", [[chat("gpt-4o", "x", cost="2")]])

    with Durable(f"memory://{new()}") as handle:
        handle.connector.connect().store = store
        total = drive(spending(handle.connector))

    assert (total.runs, total.expired) == (1, 1)
    assert total.ledger.total.cost == 2


def test_an_empty_journal_costs_nothing() -> None:
    handle = Durable(f"memory://{new()}")
    with handle:
        assert handle.costs().total.cost == 0


@pytest.mark.parametrize("options", [{"status": "tired"}, {"limit": 0}, {"limit": -1}])
def test_options_that_make_no_sense_are_refused(
    handle: Durable, options: dict[str, object]
) -> None:
    with pytest.raises(ConfigurationError):
        handle.costs(**options)  # type: ignore[arg-type]  # on purpose
