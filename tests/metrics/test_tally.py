"""Counters that are added up before the SDK sees them lose nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from langchain_durable.events import Outcome, StepKind
from langchain_durable.metrics import tally
from tests.metrics.reading import Metered
from tests.strict import STRICT

STEPS = "langchain_durable.steps.executed"


def _step(metered: Metered) -> None:
    metered.meters.step_ended(
        kind=StepKind.FUNCTION, name="f", outcome=Outcome.COMPLETED, seconds=0
    )


def test_each_collection_has_what_came_before_it() -> None:
    metered = Metered()
    seen = []
    for count in (1, 2, 0):
        for _ in range(count):
            _step(metered)
        seen.append([value for _, value in metered.points(STEPS)])
    assert seen == [[1], [3], [3]]


def test_each_reader_has_all() -> None:
    second = InMemoryMetricReader()
    metered = Metered(more=[second])
    _step(metered)
    assert [value for _, value in metered.points(STEPS)] == [1]
    data = second.get_metrics_data()
    assert data is not None
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0]
    assert (metric.name, [point.value for point in metric.data.data_points]) == (STEPS, [1])  # type: ignore[union-attr]  # it is a sum


def test_no_more_sums_are_kept_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "_MOST", 3)
    provider = MeterProvider(shutdown_on_exit=False)
    meter = provider.get_meter("test")
    kept = tally.Tally(meter)
    counter = meter.create_counter("things")
    for number in range(10):
        kept.add(counter, 1, {"number": number})
        assert len(kept._sums) <= 3


def test_threads_lose_nothing() -> None:
    metered = Metered()

    def steps() -> None:
        for _ in range(200):
            _step(metered)

    threads = [threading.Thread(target=steps) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metered.reader.collect()
    assert [value for _, value in metered.points(STEPS)] == [800]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_forked_process_does_not_report_its_parents_sums() -> None:
    program = """
        import os
        from tests.metrics.reading import Metered
        from tests.metrics.test_tally import STEPS, _step

        metered = Metered()
        _step(metered)
        child = os.fork()
        _step(metered)
        if child:
            os.waitpid(child, 0)  # else their lines may mix
        print("child" if child == 0 else "parent", metered.points(STEPS)[0][1], flush=True)
    """
    told = _run(program)
    assert sorted(told.split("\n")) == ["", "child 1", "parent 2"]


def test_a_provider_that_is_configured_later_gets_all_instruments() -> None:
    program = """
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from tests.metrics.reading import Metered
        from tests.metrics.test_tally import STEPS, _step
        from langchain_durable.metrics import Meters

        metered = Metered()
        metered.meters = Meters()
        _step(metered)
        metered.meters.agent_ended(name="lost", seconds=1)
        metrics.set_meter_provider(MeterProvider([reader := InMemoryMetricReader()]))
        metered.reader = reader
        metered.meters.agent_ended(name="seen", seconds=1)
        print(metered.points(STEPS), end=" ")
        point, = metered.metrics()["gen_ai.invoke_agent.duration"].data.data_points
        print(dict(point.attributes), point.explicit_bounds[:2])
    """
    assert _run(program) == (
        "[({'langchain_durable.step.kind': 'function', 'langchain_durable.outcome': "
        "'completed'}, 1)] {'gen_ai.agent.name': 'seen'} (0.1, 0.2)\n"
    )


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
