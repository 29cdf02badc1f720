"""``export``: a run's spans to a collector."""

from __future__ import annotations

import pytest

from tests.cli.collector import grpc_collector, http_collector
from tests.cli.conftest import Cli
from tests.cli.priced import TRACE

NAMES = [
    "durable_run shop",
    "durable_attempt",
    "chat gpt-4o",
    "execute_tool weigh",
    "chat gpt-4o",
]


def test_a_run_arrives_over_http_as_one_trace(priced: Cli) -> None:
    with http_collector() as collector:
        said = priced(
            "export",
            "asked",
            "--endpoint",
            collector.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_HEADERS="x-team=shop",
            OTEL_SERVICE_NAME="till",
        )

    assert (said.code, said.err) == (0, "")
    assert said.out == (
        f"sent 5 spans of trace {TRACE}\n  to {collector.url}/v1/traces (http/protobuf)\n"
    )
    assert [span.name for span in collector.spans] == NAMES
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert collector.services == {"till"}
    assert collector.headers[0]["x-team"] == "shop"


def test_a_run_arrives_over_grpc(priced: Cli) -> None:
    with grpc_collector() as collector:
        said = priced(
            "export",
            "asked",
            "--json",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        )

    assert said.json() == {
        "run_id": "asked",
        "trace_id": TRACE,
        "spans": 5,
        "endpoint": collector.url,
        "protocol": "grpc",
    }
    assert [span.name for span in collector.spans] == NAMES


def test_an_sdk_that_is_switched_off_does_not_stop_what_is_asked_for(priced: Cli) -> None:
    with grpc_collector() as collector:
        said = priced("export", "asked", "--endpoint", collector.url, OTEL_SDK_DISABLED="true")

    assert (said.code, said.err) == (0, "")
    assert [span.name for span in collector.spans] == NAMES


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_collector_that_is_down_is_an_error_with_something_to_do(
    priced: Cli, protocol: str
) -> None:
    said = priced(
        "export",
        "asked",
        "--endpoint",
        "http://127.0.0.1:1",
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        COLUMNS="400",
    )

    assert (said.code, said.out) == (1, "")
    problem, expected, came, do = said.err.splitlines()
    assert problem == "error: 0 of 5 spans were sent."
    assert expected.startswith("  expected: a collector at http://127.0.0.1:1")
    # Its own word: on a busy machine the timeout of a second is over before it has one.
    assert "127.0.0.1" in came or "timeout" in came
    assert do.endswith("export again: the spans are still in the journal")


def test_a_collector_that_refuses_is_an_error(priced: Cli) -> None:
    with http_collector(status=403) as collector:
        said = priced(
            "export",
            "asked",
            "--endpoint",
            collector.url,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )

    assert said.code == 1
    assert "403" in said.err


def test_an_unknown_run_is_an_error(priced: Cli) -> None:
    said = priced("export", "nobody", "--endpoint", "http://127.0.0.1:1")

    assert said.code == 1
    assert "there is no such run" in said.err
