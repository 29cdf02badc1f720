"""A run that was killed and resumed, as its user sees it in Jaeger and Prometheus."""

from __future__ import annotations

import subprocess
import urllib.request
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import pytest

from langchain_durable.costs.totals import Totals
from langchain_durable.demo.scenario import ANSWER, CALLS, MODEL
from langchain_durable.events import StepEnded, StepStarted
from tests.backends.backend import Backends, Binaries
from tests.backends.conftest import MakeStage
from tests.backends.jaeger import Span
from tests.backends.playing import Stage
from tests.backends.program import INTERVAL
from tests.backends.services import eventually

KILLED_IN = "refund"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
COST = "gen_ai.usage.cost.amount"


@dataclass(frozen=True)
class Played:
    """The run, its spans in Jaeger, and what its journal says."""

    stage: Stage
    spans: list[Span]
    totals: Totals
    started: list[StepStarted]
    ended: list[StepEnded]

    @property
    def calls(self) -> list[Span]:
        return [span for span in self.spans if span.operation == "chat"]


@pytest.fixture(scope="module")
def played(make_stage: MakeStage, backends: Backends) -> Played:
    stage = make_stage()
    stage.kill_in(KILLED_IN, after=2 * INTERVAL)  # what metrics were exported is not lost
    assert stage.run()["answer"] == ANSWER
    spans = backends.jaeger.finished(stage.trace_id())
    with stage.durable() as durable:
        totals = durable.costs().total
        events = [entry.event for entry in durable.events(stage.job.run_id)]
    started = [event for event in events if isinstance(event, StepStarted)]
    ended = [event for event in events if isinstance(event, StepEnded)]
    return Played(stage, spans, totals, started, ended)


# -- the trace --------------------------------------------------------------------------------


def test_it_is_one_trace_with_one_root_and_no_orphan(played: Played) -> None:
    ids = {span.span_id for span in played.spans}
    assert len(ids) == len(played.spans), "a span is shown twice"
    assert {span.trace_id for span in played.spans} == {played.stage.trace_id()}
    (root,) = [span for span in played.spans if not span.parent]
    assert root.operation == "durable_run"
    assert all(span.parent in ids for span in played.spans if span is not root)


def test_each_step_is_there_once(played: Played) -> None:
    steps = [span for span in played.spans if "langchain_durable.step" in span.attributes]
    assert {span.span_id for span in steps} == {start.span_id for start in played.started}
    assert len(steps) == len(CALLS) + 1  # the one that was killed ran again
    names = Counter(span.operation for span in played.spans)
    assert names["durable_attempt"] == names["invoke_agent"] == 2


def test_the_crashed_attempt_is_seen(played: Played) -> None:
    crashed = [
        span for span in played.spans if span.attributes.get("error.type") == "process_crash"
    ]
    assert Counter(span.name for span in crashed) == Counter(
        ["durable_attempt", "invoke_agent clerk", f"execute_tool {KILLED_IN}"]
    )
    for span in crashed:
        assert span.error
        assert span.message == "the process died before this had ended"
        assert span.attributes["langchain_durable.outcome"] == "crashed"
        assert span.attributes["langchain_durable.synthetic_end"] is True
        assert span.attributes["langchain_durable.attempt"] == 1


def test_the_spans_cost_what_the_journal_says(played: Played) -> None:
    costs = [Decimal(str(span.attributes[COST])) for span in played.calls]
    assert sum(costs) == played.totals.cost > 0
    for attribute, kind in ((INPUT, "input"), (OUTPUT, "output")):
        counts = [span.attributes[attribute] for span in played.calls]
        assert sum(counts) == played.totals.tokens[kind] > 0
        assert all(isinstance(count, int) for count in counts), "masked"


# -- the metrics ------------------------------------------------------------------------------


def test_the_counters_are_those_of_the_journal(played: Played, backends: Backends) -> None:
    job = f'job="{played.stage.job.service}"'
    totals = played.totals
    told = [span.attributes.get("langchain_durable.replayed_steps", 0) for span in played.spans]
    assert [*filter(None, told)] == [totals.replayed]
    wanted = {
        f"sum(langchain_durable_cost_total{{{job}}})": float(totals.cost),
        f'sum(gen_ai_client_token_usage_sum{{{job},gen_ai_token_type="input"}})': float(
            totals.tokens["input"]
        ),
        f'sum(gen_ai_client_token_usage_sum{{{job},gen_ai_token_type="output"}})': float(
            totals.tokens["output"]
        ),
        f"sum(langchain_durable_steps_executed_total{{{job}}})": float(len(played.ended)),
        f"sum(langchain_durable_steps_replayed_total{{{job}}})": float(totals.replayed),
        f"sum(langchain_durable_cost_saved_total{{{job}}})": float(totals.saved),
        f'sum(langchain_durable_runs_total{{{job},langchain_durable_status="completed"}})': 1.0,
    }
    for expression, value in wanted.items():
        found = eventually(partial(backends.prometheus.value, expression), expression)
        assert found == pytest.approx(value), expression


def test_a_kill_loses_one_interval_of_the_counters_at_most(
    stage: Stage, backends: Backends
) -> None:
    stage.kill_in(KILLED_IN)
    stage.run()
    with stage.durable() as durable:
        exact = float(durable.costs().total.cost)
        first = sum(
            Decimal(str(entry.event.attributes["cost"]))
            for entry in durable.events(stage.job.run_id)
            if entry.attempt == 1 and isinstance(entry.event, StepEnded)
            if "cost" in entry.event.attributes
        )
    counted = f'sum(langchain_durable_cost_total{{job="{stage.job.service}"}})'
    found = eventually(lambda: backends.prometheus.value(counted), counted)
    # The first attempt is younger than the interval: all of it may be lost, and no more.
    assert exact - float(first) - 1e-12 <= found <= exact + 1e-12


def test_a_value_leads_to_the_spans_that_it_comes_from(played: Played, backends: Backends) -> None:
    job = f'{{job="{played.stage.job.service}"}}'
    ids = {span.span_id for span in played.spans}
    for name in (
        "langchain_durable_cost_total",
        "gen_ai_client_operation_duration_seconds_bucket",
        "gen_ai_client_token_usage_bucket",
    ):
        found = eventually(
            partial(backends.prometheus.exemplars, name + job),
            f"exemplars of {name}",
        )
        assert {labels["trace_id"] for labels in found} == {played.stage.trace_id()}
        assert {labels["span_id"] for labels in found} <= ids


def test_what_is_scraped_keeps_to_the_format(
    played: Played, backends: Backends, binaries: Binaries
) -> None:
    with urllib.request.urlopen(backends.collector.metrics, timeout=10) as response:
        text = response.read().decode()
    assert played.stage.job.service in text
    lint = subprocess.run(
        [binaries.promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (lint.returncode, lint.stderr) == (0, "")


def test_the_monitor_tab_answers_from_prometheus(played: Played, backends: Backends) -> None:
    service = played.stage.job.service
    names = {f"chat {MODEL}", f"execute_tool {KILLED_IN}", "invoke_agent clerk"}

    ask = partial(backends.jaeger.monitor, service=service)
    eventually(lambda: names <= ask("calls").keys(), "calls in the Monitor tab")
    # Prometheus knows no quantile of what it has seen rise only once.
    slow = ask("latencies", quantile="0.95")
    assert 0 < slow[f"chat {MODEL}"] < 60
    errors = ask("errors")
    assert errors.get(f"chat {MODEL}", 0) == 0 < errors[f"execute_tool {KILLED_IN}"]
