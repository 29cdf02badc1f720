"""What else the Collector takes, and what it does while Jaeger is away."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.backends.backend import Backends, Binaries, start_collector, start_jaeger
from tests.backends.conftest import MakeStage
from tests.servers import free_port


def post(url: str, body: dict[str, Any]) -> int:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return int(response.status)


def test_logs_are_taken_so_that_a_program_which_sends_them_is_not_refused(
    backends: Backends,
) -> None:
    record = {"body": {"stringValue": "hello"}}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert post(f"{backends.collector.http}/v1/logs", logs) == 200


def test_spans_over_http_reach_jaeger(backends: Backends) -> None:
    trace_id, now = os.urandom(16).hex(), time.time_ns()
    span = {
        "traceId": trace_id,
        "spanId": os.urandom(8).hex(),
        "name": "by hand",
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000_000),
    }
    service = {"key": "service.name", "value": {"stringValue": "by-hand"}}
    spans = {
        "resource": {"attributes": [service]},
        "scopeSpans": [{"scope": {"name": "hand"}, "spans": [span]}],
    }
    assert post(f"{backends.collector.http}/v1/traces", {"resourceSpans": [spans]}) == 200
    (found,) = backends.jaeger.finished(trace_id)
    assert found.name == "by hand"


def test_spans_wait_for_a_jaeger_that_comes_later(
    binaries: Binaries, make_stage: MakeStage, tmp_path: Path
) -> None:
    otlp = free_port()
    with start_collector(binaries.otelcol, tmp_path, f"127.0.0.1:{otlp}") as collector:
        stage = make_stage(collector.endpoint)
        stage.run()
        with start_jaeger(binaries.jaeger, tmp_path, "http://127.0.0.1:1", otlp=otlp) as jaeger:
            assert jaeger.finished(stage.trace_id())
