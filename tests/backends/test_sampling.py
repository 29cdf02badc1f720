"""tail-sampling.yaml keeps what one wants to look at, however long a run takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.backends.backend import FILES, Backends, Binaries, Collector, start_collector
from tests.backends.conftest import MakeStage
from tests.backends.playing import Stage, export
from tests.backends.services import eventually

SETTLE = 1.0
DECIDED = "otelcol_processor_tail_sampling_global_count_traces_sampled"
SPANS = "traces_span_metrics_calls_total"
COSTLY = {"input": 3000.0, "output": 12000.0}


@pytest.fixture(scope="module")
def sampling(
    binaries: Binaries, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """A Collector that drops all that no rule keeps."""
    with start_collector(
        binaries.otelcol,
        tmp_path_factory.mktemp("sampling"),
        backends.jaeger.otlp,
        str(FILES / "tail-sampling.yaml"),
        COLLECTOR_SAMPLING_SETTLE=f"{SETTLE}s",
        COLLECTOR_SAMPLING_WAIT="8s",
        COLLECTOR_SAMPLING_PERCENT="0",
    ) as started:
        yield started


@pytest.fixture
def sampled(make_stage: MakeStage, sampling: Collector) -> Stage:
    return make_stage(sampling.endpoint)


def lines(url: str, metric: str) -> list[str]:
    """The lines of a metric on a page that Prometheus scrapes."""
    with urlopen(url, timeout=10) as response:
        page = response.read().decode()
    return [line for line in page.splitlines() if line.startswith(metric)]


def decisions(sampling: Collector) -> float:
    """On how many traces it has decided."""
    return sum(float(line.rpartition(" ")[2]) for line in lines(sampling.own, DECIDED))


def test_a_boring_run_is_dropped_and_counted_and_can_be_looked_at_later(
    sampled: Stage, sampling: Collector, backends: Backends
) -> None:
    before = decisions(sampling)
    sampled.run()
    eventually(lambda: decisions(sampling) > before, "a decision")
    time.sleep(2 * SETTLE)
    assert backends.jaeger.spans(sampled.trace_id()) == []

    service = f'service_name="{sampled.job.service}"'
    assert [line for line in lines(sampling.metrics, SPANS) if service in line]

    sent = export(sampled, f"http://{backends.jaeger.otlp}")
    assert len(backends.jaeger.finished(sampled.trace_id())) == sent


def test_a_crashed_run_is_kept_whole(sampled: Stage, backends: Backends) -> None:
    sampled.kill_in("refund", after=3 * SETTLE)  # nothing is known against it so far
    sampled.run()
    spans = backends.jaeger.finished(sampled.trace_id())
    attempts = {span.attributes.get("langchain_durable.attempt") for span in spans}
    assert {1, 2} <= attempts
    ids = {span.span_id for span in spans}
    assert all(span.parent in ids for span in spans if span.parent), "a part of it was dropped"


def test_a_failed_run_is_kept(sampled: Stage, backends: Backends) -> None:
    sampled.run(fail=True)
    assert backends.jaeger.finished(sampled.trace_id())


def test_an_expensive_run_is_kept(sampled: Stage, backends: Backends) -> None:
    sampled.run(prices=COSTLY)
    assert backends.jaeger.finished(sampled.trace_id())


def test_a_run_that_nobody_finishes_is_kept(sampled: Stage, backends: Backends) -> None:
    sampled.kill_in("refund", after=1.0)
    spans = eventually(lambda: backends.jaeger.spans(sampled.trace_id()), "an unfinished trace")
    assert all(span.parent for span in spans)
