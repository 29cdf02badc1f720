"""Journals written by hand, and what they come to."""

import itertools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_durable.costs import Ledger, Totals
from langchain_durable.costs.ledger import Dimension
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Event,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)

SECOND = 10**9
NOON = 1_795_348_800 * SECOND
"""2026-11-22, 12:00 UTC."""
DIMENSIONS: tuple[Dimension, ...] = (
    "model",
    "tool",
    "agent",
    "provider",
    "tenant",
    "day",
    "book",
)


class Journal:
    """Writes a run's entries in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.number = 0

    def attempt(self) -> None:
        self.number += 1
        self._add(AttemptStarted(time=NOON, owner="me", span_id="ab"))

    def done(self, status: RunStatus) -> None:
        self._add(AttemptEnded(status=status, time=NOON))

    def start(
        self,
        step: bytes = b"1",
        kind: StepKind = StepKind.MODEL,
        name: str = "gpt-4o",
        time: int = NOON,
        nodes: tuple[Node, ...] = (),
        **attributes: Any,
    ) -> None:
        started = StepStarted(
            step=step,
            kind=kind,
            name=name,
            time=time,
            span_id="",
            parent_span_id="",
            nodes=nodes,
            attributes=attributes,
        )
        self._add(started)

    def end(
        self,
        step: bytes = b"1",
        outcome: Outcome = Outcome.COMPLETED,
        *,
        time: int = NOON + 2 * SECOND,
        usage: Usage | None = None,
        recorded: bool = True,
        **attributes: Any,
    ) -> None:
        ended = StepEnded(
            step=step,
            outcome=outcome,
            time=time,
            usage=usage,
            recorded=recorded,
            attributes=attributes,
        )
        self._add(ended)

    def _add(self, event: Event) -> None:
        self.entries.append(Entry(seq=len(self.entries) + 1, attempt=self.number, event=event))

    def ledger(self, **options: Any) -> Ledger:
        ledger = Ledger()
        ledger.add(self.entries, **options)
        return ledger


@pytest.fixture
def journal() -> Journal:
    made = Journal()
    made.attempt()
    return made


def test_a_run_s_calls_add_up(journal: Journal) -> None:
    usage = Usage(
        input_tokens=100,
        output_tokens=20,
        input_details={"cache_read": 30},
        output_details={"reasoning": 5},
    )
    journal.start(b"1", span={"p": "openai"}, agent="boss")
    journal.end(b"1", usage=usage, cost="0.10", book="static 1")
    journal.start(b"2", StepKind.TOOL, "search", agent="boss")
    journal.end(b"2", Outcome.FAILED, time=NOON + SECOND)
    journal.start(b"3", span={"p": "openai"})
    journal.end(b"3", usage=usage, cost="0.20", book="static 1", estimated=True)
    journal.done(RunStatus.COMPLETED)
    ledger = journal.ledger(tenant="acme")

    total = ledger.total
    assert (total.calls, total.errors, total.crashed) == (3, 1, 0)
    assert (total.cost, total.estimated, total.failed_runs) == (
        Decimal("0.30"),
        Decimal("0.20"),
        Decimal(0),
    )
    assert total.tokens == {"input": 200, "output": 40, "cache_read": 60, "reasoning": 10}
    assert total.duration == 5 * SECOND
    assert total.mean_duration == 5 * SECOND / 3
    assert total.error_rate == 1 / 3
    costs = {name: {k: t.cost for k, t in ledger.by(name).items()} for name in DIMENSIONS}
    assert costs == {
        "model": {"gpt-4o": Decimal("0.30")},
        "tool": {"search": 0},
        "agent": {"boss": Decimal("0.10")},
        "provider": {"openai": Decimal("0.30")},
        "tenant": {"acme": Decimal("0.30")},
        "day": {"2026-11-22": Decimal("0.30")},
        "book": {"static 1": Decimal("0.30")},
    }


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "AzureChatOpenAI"),
        ({"span": {"m": "my-deployment"}}, "my-deployment"),
        ({"span": {"m": None}}, "AzureChatOpenAI"),
    ],
)
def test_a_model_is_called_as_its_span_calls_it(
    journal: Journal, said: dict[str, Any], name: str
) -> None:
    journal.start(name="AzureChatOpenAI", **said)
    journal.end(cost="1")
    assert [*journal.ledger().by("model")] == [name]


def test_a_replayed_step_counts_once_and_saves_its_cost_at_each_resume(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25")
    journal.attempt()
    journal.attempt()
    total = journal.ledger().total
    assert (total.calls, total.cost, total.saved, total.replayed) == (
        1,
        Decimal("0.25"),
        Decimal("0.50"),
        2,
    )


def test_what_is_inside_a_replayed_call_is_saved_but_not_replayed(journal: Journal) -> None:
    tool = Node(id=b"tool", parent=b"", label="tool:look", ordinal=0, fingerprint=b"")
    inner = Node(id=b"chat", parent=b"tool", label="model", ordinal=0, fingerprint=b"")
    journal.start(b"tool", StepKind.TOOL, "look", nodes=(tool,))
    journal.start(b"chat", nodes=(inner,))
    journal.end(b"chat", cost="0.25")
    journal.attempt()  # the tool was under way: the model is asked for again
    journal.start(b"tool", StepKind.TOOL, "look")
    journal.end(b"tool")
    journal.attempt()
    total = journal.ledger().total
    assert (total.calls, total.replayed, total.saved) == (2, 2, Decimal("0.50"))


def test_a_step_that_was_made_again_was_not_saved(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25")
    journal.attempt()  # replays it
    journal.attempt()  # makes it again: its input had drifted
    journal.start()
    journal.end(cost="0.50")
    total = journal.ledger().total
    assert (total.calls, total.cost, total.saved) == (2, Decimal("0.75"), Decimal("0.25"))


def test_a_result_that_was_not_recorded_saves_nothing(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25", recorded=False)
    journal.attempt()
    total = journal.ledger().total
    assert (total.cost, total.saved, total.replayed) == (Decimal("0.25"), Decimal(0), 0)


def test_a_call_whose_process_died_is_crashed_and_has_no_price(journal: Journal) -> None:
    journal.start(span={"p": "openai"})
    assert journal.ledger().total == Totals()  # it may still be under way
    journal.attempt()
    journal.start()
    journal.end(cost="0.25")
    ledger = journal.ledger()
    assert (ledger.total.calls, ledger.total.crashed) == (1, 1)
    assert ledger.total.cost == Decimal("0.25")
    assert ledger.by("model")["gpt-4o"].crashed == 1


def test_a_call_whose_process_died_is_crashed_before_the_run_is_resumed(journal: Journal) -> None:
    journal.start()
    ledger = Ledger()
    ledger.add(journal.entries, status=RunStatus.RUNNING, crashed=True)
    assert ledger.total == Totals(crashed=1)


def test_a_call_left_open_by_an_attempt_that_ended_is_crashed(journal: Journal) -> None:
    journal.start()
    journal.done(RunStatus.PAUSED)
    assert journal.ledger().total.crashed == 1


def test_an_interrupted_tool_is_a_call_when_it_has_come_back(journal: Journal) -> None:
    journal.start(kind=StepKind.TOOL, name="ask")
    journal.end(outcome=Outcome.INTERRUPTED)
    assert journal.ledger().total == Totals()
    journal.attempt()
    journal.start(kind=StepKind.TOOL, name="ask")
    journal.end()
    assert journal.ledger().by("tool")["ask"].calls == 1


@pytest.mark.parametrize("recorded", [True, False])
def test_a_decision_about_a_crashed_step_is_no_call(journal: Journal, recorded: bool) -> None:
    journal.start(kind=StepKind.TOOL, name="pay")
    journal.attempt()
    journal.end(recorded=recorded)
    total = journal.ledger().total
    assert (total.calls, total.crashed) == (0, 1)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_what_a_failed_run_cost_is_said(journal: Journal, status: RunStatus) -> None:
    journal.start()
    journal.end(cost="0.25")
    journal.done(status)
    total = journal.ledger().total
    assert (total.cost, total.failed_runs) == (Decimal("0.25"), Decimal("0.25"))


def test_a_run_that_was_reopened_and_completed_did_not_fail(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25")
    journal.done(RunStatus.FAILED)
    journal.attempt()
    assert journal.ledger().total.failed_runs == 0  # it runs again
    journal.done(RunStatus.COMPLETED)
    assert journal.ledger().total.failed_runs == 0


def test_the_header_s_status_goes_before_the_last_attempt_s(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25")
    journal.done(RunStatus.PAUSED)
    assert journal.ledger(status=RunStatus.CANCELLED).total.failed_runs == Decimal("0.25")


def test_unpriced_calls_count_by_reason_and_cost_nothing_known(journal: Journal) -> None:
    for number, reason in enumerate(["unknown_model", "no_usage", "no_usage"]):
        journal.start(bytes([number]))
        journal.end(bytes([number]), unpriced=reason)
    total = journal.ledger().total
    assert total.unpriced == {"unknown_model": 1, "no_usage": 2}
    assert total.cost == 0


def test_a_model_s_answer_of_which_no_price_is_said_is_unpriced(journal: Journal) -> None:
    journal.start(b"1")
    journal.end(b"1", cost="0.25")
    journal.start(b"2")
    journal.end(b"2")
    total = journal.ledger().total
    assert (total.cost, total.unpriced) == (Decimal("0.25"), {"no_price_table": 1})


def test_tools_failed_calls_and_answers_of_a_cache_lack_no_price(journal: Journal) -> None:
    journal.start(b"1", kind=StepKind.TOOL, name="weigh")
    journal.end(b"1")
    journal.start(b"2")
    journal.end(b"2", outcome=Outcome.FAILED)
    journal.start(b"3")
    journal.end(b"3", cost="0")
    total = journal.ledger().total
    assert total.cost == 0
    assert total.unpriced == {}


@pytest.mark.parametrize("cost", ["-1", "NaN", "Infinity", "1e99999", "", "a", True, [], {}])
def test_a_cost_that_is_none_is_unpriced(journal: Journal, cost: Any) -> None:
    journal.start()
    journal.end(cost=cost)
    total = journal.ledger().total
    assert total.cost == 0
    assert total.unpriced == {"bad_cost": 1}


def test_entries_that_are_read_twice_count_once(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25")
    ledger = Ledger()
    ledger.add([*journal.entries, *journal.entries])
    assert (ledger.total.calls, ledger.total.cost) == (1, Decimal("0.25"))


@pytest.mark.parametrize("time", [10**30, -(10**30)])
def test_a_call_at_no_time_of_this_world_has_no_day(journal: Journal, time: int) -> None:
    journal.start(time=time)
    journal.end(cost="0.25")
    ledger = journal.ledger()
    assert ledger.by("day") == {}
    assert ledger.total.cost == Decimal("0.25")


def test_absurd_usage_and_an_end_before_the_start_add_nothing_absurd(journal: Journal) -> None:
    journal.start()
    journal.end(time=NOON - SECOND, usage=Usage(input_tokens=-5, output_tokens=10**12))
    total = journal.ledger().total
    assert total.duration == 0
    assert not total.tokens


def test_without_a_call_there_is_no_average() -> None:
    assert Ledger().total.mean_duration is None
    assert Ledger().total.error_rate is None


def test_what_a_ledger_gives_is_the_caller_s_own(journal: Journal) -> None:
    journal.start()
    journal.end(cost="0.25", usage=Usage(input_tokens=5))
    ledger = journal.ledger()
    ledger.total.include(ledger.total)
    ledger.by("model")["gpt-4o"].tokens.clear()
    assert ledger.total.calls == 1
    assert ledger.by("model")["gpt-4o"].tokens == {"input": 5}


money = st.decimals(0, 1000, places=12).map(str)
calls = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["gpt-4o", "claude", "o3"]),
        "cost": st.one_of(st.none(), money, st.just("x")),
        "outcome": st.sampled_from(list(Outcome)),
        "tokens": st.integers(0, 10_000),
        "ends": st.booleans(),
        "next_attempt": st.booleans(),
    }
)
runs = st.lists(calls, max_size=6)


def written(run: Iterable[dict[str, Any]]) -> list[Entry]:
    journal = Journal()
    journal.attempt()
    for number, call in enumerate(run):
        step = bytes([number % 3])
        journal.start(step, name=call["name"], agent=call["name"])
        if call["ends"]:
            cost = {"cost": call["cost"]} if call["cost"] is not None else {}
            usage = Usage(input_tokens=call["tokens"])
            journal.end(step, call["outcome"], usage=usage, **cost)
        if call["next_attempt"]:
            journal.attempt()
    return journal.entries


@given(st.lists(runs, max_size=5), st.integers(0, 5))
def test_ledgers_of_parts_add_up_to_that_of_the_whole(
    many: list[list[dict[str, Any]]], cut: int
) -> None:
    whole, left, right = Ledger(), Ledger(), Ledger()
    for number, run in enumerate(many):
        tenant = "even" if number % 2 else "odd"
        whole.add(written(run), tenant=tenant)
        (left if number < cut else right).add(written(run), tenant=tenant)
    left.merge(right)
    assert left.total == whole.total
    for dimension in DIMENSIONS:
        assert left.by(dimension) == whole.by(dimension)


@given(st.lists(runs, max_size=4))
def test_each_dimension_adds_up_to_the_total(many: list[list[dict[str, Any]]]) -> None:
    ledger = Ledger()
    for run in many:
        ledger.add(written(run), tenant="acme")
    dimensions: tuple[Dimension, ...] = ("model", "agent", "tenant", "day")
    for dimension in dimensions:
        rows = Totals()
        for totals in ledger.by(dimension).values():
            rows.include(totals)
        assert rows == ledger.total


@given(st.lists(money, max_size=20))
def test_sums_of_money_are_exact_in_any_order(amounts: list[str]) -> None:
    journal = Journal()
    journal.attempt()
    for number, amount in enumerate(amounts):
        journal.start(bytes([number]))
        journal.end(bytes([number]), cost=amount)
    micros = sum(int(Decimal(amount) * 10**12) for amount in amounts)
    assert journal.ledger().total.cost == Decimal(micros).scaleb(-12)


def test_a_run_is_read_in_one_pass() -> None:
    journal = Journal()
    journal.attempt()
    journal.start()
    journal.end(cost="1")
    ledger = Ledger()
    ledger.add(itertools.chain(journal.entries))
    assert ledger.total.cost == 1
