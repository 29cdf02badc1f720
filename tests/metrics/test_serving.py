"""A scrape over HTTP, in processes of their own: a global provider is set once."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.strict import STRICT

_BEGIN = """
    import urllib.request
    from langchain_durable.errors import ConfigurationError
    from langchain_durable.events import Outcome, StepKind
    from langchain_durable.metrics import Meters
    from langchain_durable.metrics.serving import serve
    from tests.metrics.test_journal_totals import ledger_of

    def scrape(served):
        with urllib.request.urlopen(served.url, timeout=10) as answer:
            return answer.read().decode().splitlines()

    def told(lines, *starts):
        return [line for line in lines if line.startswith(starts)]
"""


def _run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(_BEGIN + program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_process_and_the_journal_are_served_side_by_side() -> None:
    lines = _run("""
    meters = Meters()  # before there is a provider
    served = serve(0, ledger=lambda: ledger_of(("gpt-4o", "0.5")))
    meters.step_ended(
        kind=StepKind.TOOL, name="search", outcome=Outcome.COMPLETED, seconds=0.5)
    lines = scrape(served)
    names = (
        "gen_ai_execute_tool_duration_seconds_count",
        "langchain_durable_steps_executed_total",
        "langchain_durable_journal_cost_usd",
    )
    for line in told(lines, *names):
        print(line.split("{")[0].split(" ")[0], line.rsplit(" ", 1)[1])
    served.close()
    """)
    assert lines == [
        "gen_ai_execute_tool_duration_seconds_count 1.0",
        "langchain_durable_steps_executed_total 1.0",
        "langchain_durable_journal_cost_usd 0.5",
    ]


def test_the_apps_meter_provider_is_not_replaced() -> None:
    lines = _run("""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    metrics.set_meter_provider(provider := MeterProvider())
    try:
        serve(0)
    except ConfigurationError as error:
        print("PrometheusMetricReader" in error.do, metrics.get_meter_provider() is provider)
    """)
    assert lines == ["True True"]


def test_a_port_that_is_taken_is_said_and_sets_no_provider() -> None:
    lines = _run("""
    import socket
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        try:
            serve(taken.getsockname()[1])
        except ConfigurationError as error:
            print(str(taken.getsockname()[1]) in error.came)
    served = serve(0)
    print(served.port > 0)
    served.close()
    """)
    assert lines == ["True", "True"]


def test_a_closed_server_does_not_answer() -> None:
    lines = _run("""
    served = serve(0)
    scrape(served)
    served.close()
    try:
        scrape(served)
    except OSError:
        print("closed")
    """)
    assert lines == ["closed"]


def test_without_the_extra_the_error_names_it() -> None:
    program = """
        import sys
        sys.modules["opentelemetry.exporter.prometheus"] = None
        try:
            import langchain_durable.metrics.serving
        except ImportError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "pip install 'langchain-durable[prometheus]'" in done.stdout
