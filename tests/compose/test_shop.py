"""The program that docker-compose.yml runs: it dies, is started again, and goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from langchain_durable import Durable
from langchain_durable.events import RunStatus
from tests.cli.collector import Collector, grpc_collector
from tests.compose.files import ROOT, services
from tests.servers import start_valkey

SHOP = ROOT / "examples" / "compose" / "shop.py"


def shop(journal: str, collector: Collector, *, dies_at: int) -> subprocess.CompletedProcess[str]:
    """One life of the shop's process, with one customer at most."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "LANGCHAIN_DURABLE_URL": journal,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": services()["example"]["environment"]["OTEL_SERVICE_NAME"],
        "SHOP_DIES_AT": str(dies_at),
        "SHOP_PAUSE": "0",
    }
    command = [sys.executable, str(SHOP), "1"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.soak
def test_the_shop_dies_in_a_refund_and_goes_on_with_the_same_customer(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as server, grpc_collector() as collector:
        first = shop(server.url, collector, dies_at=1)
        second = shop(server.url, collector, dies_at=0)
        with Durable(server.url) as durable:
            statuses = [header.status for header in durable.runs()]

    assert first.returncode == -signal.SIGKILL, first.stderr
    assert second.returncode == 0, second.stderr
    (order,) = re.findall(r"killed while it refunds order (\d+)", first.stdout)
    assert f"going on with order-{order}\n" in second.stdout
    assert second.stdout.count(f"refunded order {order} ") == 1
    assert statuses == [RunStatus.COMPLETED] * 2
    assert collector.services == {"shop"}
    names = [span.name for span in collector.spans]
    assert names.count("durable_attempt") == 3, "one of them is closed as crashed"
    assert len({span.trace_id for span in collector.spans}) == 2
