"""The three backends with this repository's own configuration, on free loopback ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.backends.jaeger import Jaeger
from tests.backends.prometheus import Prometheus
from tests.backends.services import Service, running
from tests.servers import free_port

FILES = Path(__file__).resolve().parents[2] / "collector"
SPAN_METRICS_INTERVAL = "1s"


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs are."""

    otelcol: str
    jaeger: str
    prometheus: str
    promtool: str


@dataclass(frozen=True, slots=True)
class Collector:
    """A running Collector; ``metrics`` is what Prometheus scrapes, ``own`` is about itself."""

    service: Service
    endpoint: str
    http: str
    metrics: str
    own: str


@dataclass(frozen=True, slots=True)
class Backends:
    """All three, connected as docker-compose.yml connects them."""

    collector: Collector
    jaeger: Jaeger
    prometheus: Prometheus


@contextmanager
def start_collector(
    binary: str, directory: Path, jaeger_otlp: str, *more: str, **environment: str
) -> Iterator[Collector]:
    """Start a Collector; ``more`` are further configurations, laid over ours in this order."""
    grpc, http, metrics, health, own = (free_port() for _ in range(5))
    configs = [str(FILES / "otel-collector.yaml"), *more]
    command = [binary, *(f"--config={config}" for config in configs)]
    addresses = {
        "COLLECTOR_OTLP_GRPC": f"127.0.0.1:{grpc}",
        "COLLECTOR_OTLP_HTTP": f"127.0.0.1:{http}",
        "COLLECTOR_PROMETHEUS": f"127.0.0.1:{metrics}",
        "COLLECTOR_HEALTH": f"127.0.0.1:{health}",
        "COLLECTOR_OWN_METRICS_HOST": "127.0.0.1",
        "COLLECTOR_OWN_METRICS_PORT": str(own),
        "COLLECTOR_SPAN_METRICS_INTERVAL": SPAN_METRICS_INTERVAL,
        "JAEGER_OTLP": jaeger_otlp,
    }
    service = Service(command, directory / f"collector-{grpc}.log", {**addresses, **environment})
    with running(service, f"http://127.0.0.1:{health}/"):
        yield Collector(
            service,
            f"http://127.0.0.1:{grpc}",
            f"http://127.0.0.1:{http}",
            f"http://127.0.0.1:{metrics}/metrics",
            f"http://127.0.0.1:{own}/metrics",
        )


@contextmanager
def start_jaeger(
    binary: str, directory: Path, prometheus_url: str, *more: str, otlp: int = 0
) -> Iterator[Jaeger]:
    """Start Jaeger; ``more`` are options, ``otlp`` is the port that takes spans, 0 a free one."""
    otlp = otlp or free_port()
    http, query, grpc, health, own = (free_port() for _ in range(5))
    addresses = {
        "JAEGER_OTLP_GRPC": f"127.0.0.1:{otlp}",
        "JAEGER_OTLP_HTTP": f"127.0.0.1:{http}",
        "JAEGER_QUERY_HTTP": f"127.0.0.1:{query}",
        "JAEGER_QUERY_GRPC": f"127.0.0.1:{grpc}",
        "JAEGER_HEALTH": f"127.0.0.1:{health}",
        "JAEGER_OWN_METRICS_HOST": "127.0.0.1",
        "JAEGER_OWN_METRICS_PORT": str(own),
        "JAEGER_DATA": str(directory / "traces"),
        "PROMETHEUS_URL": prometheus_url,
    }
    command = [binary, f"--config={FILES / 'jaeger.yaml'}", *more]
    service = Service(command, directory / "jaeger.log", addresses)
    with running(service, f"http://127.0.0.1:{health}/status"):
        yield Jaeger(f"http://127.0.0.1:{query}", f"127.0.0.1:{otlp}")


def prometheus_config(directory: Path, **targets: str) -> Path:
    """Our prometheus.yml with other targets, our rules, and shorter intervals.

    Prometheus takes no variables in targets, so they are changed in the text. ``targets`` are by
    the name that they have in docker-compose.yml: ``collector_8889="127.0.0.1:4711"``.
    """
    text = (FILES / "prometheus.yml").read_text("utf-8")
    for name, target in targets.items():
        address = name.replace("_", ":")
        assert f"[{address}]" in text, f"{address} is scraped no longer"
        text = text.replace(f"[{address}]", f"[{target}]")
    text = re.sub(r"_interval: 15s", "_interval: 1s", text)
    text = text.replace("/etc/prometheus/rules/", f"{FILES}/rules/")
    path = directory / "prometheus.yml"
    path.write_text(text, "utf-8")
    return path


@contextmanager
def start_prometheus(binary: str, directory: Path, config: Path, port: int) -> Iterator[Prometheus]:
    url = f"http://127.0.0.1:{port}"
    command = [
        binary,
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        "--enable-feature=exemplar-storage",
    ]
    with running(Service(command, directory / "prometheus.log"), f"{url}/-/ready"):
        yield Prometheus(url)


@contextmanager
def start_backends(binaries: Binaries, directory: Path) -> Iterator[Backends]:
    port = free_port()
    with ExitStack() as stack:
        url = f"http://127.0.0.1:{port}"
        jaeger = stack.enter_context(start_jaeger(binaries.jaeger, directory, url))
        collector = stack.enter_context(start_collector(binaries.otelcol, directory, jaeger.otlp))
        config = prometheus_config(
            directory,
            collector_8889=collector.metrics.split("/")[2],
            collector_8888=collector.own.split("/")[2],
        )
        prometheus = stack.enter_context(
            start_prometheus(binaries.prometheus, directory, config, port)
        )
        yield Backends(collector, jaeger, prometheus)
