"""A meter provider that the app sets when a handle is in use already."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def test_runs_that_begin_after_a_provider_was_set_are_counted() -> None:
    program = """
        from langchain_core.runnables import RunnableLambda
        from opentelemetry import metrics
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from langchain_durable import Durable

        durable = Durable("memory://")

        def run(run_id):
            with durable.run(run_id):
                durable.step(max, 1, 2)

        run("early")
        metrics.set_meter_provider(MeterProvider([reader := InMemoryMetricReader()]))
        run("late")
        durable.close()
        for of_resource in reader.get_metrics_data().resource_metrics:
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    if "journal" in metric.name:
                        points = metric.data.data_points
                        print(metric.name, sum(point.count for point in points) > 0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[1:] == ["True"]
