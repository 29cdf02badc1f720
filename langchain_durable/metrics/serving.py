"""An address that Prometheus scrapes: the process's metrics, and exact totals from journals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIServer

from opentelemetry import metrics

from langchain_durable.costs import Ledger
from langchain_durable.errors import ConfigurationError, MissingExtra

try:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

    from langchain_durable.metrics.journal_totals import JournalTotals
except ImportError as exc:
    raise MissingExtra(
        "To be scraped by Prometheus needs packages that are not installed.",
        expected="opentelemetry-exporter-prometheus and prometheus-client",
        came=str(exc),
        do="pip install 'langchain-durable[prometheus]'",
    ) from exc

from opentelemetry.sdk.metrics import MeterProvider

# Before 0.63b0, it knows no other registry than the process's.
_TAKES_REGISTRY = "registry" in inspect.signature(PrometheusMetricReader).parameters

_OWN_READER = (
    "add an opentelemetry.exporter.prometheus.PrometheusMetricReader to the app's MeterProvider, "
    "and register langchain_durable.metrics.journal_totals.JournalTotals with its registry"
)


@dataclass(frozen=True, slots=True)
class Served:
    """What is being served, on a daemon thread."""

    port: int
    addr: str
    provider: MeterProvider
    _server: WSGIServer
    _thread: Thread

    @property
    def url(self) -> str:
        """Where to scrape."""
        host = f"[{self.addr}]" if ":" in self.addr else self.addr
        return f"http://{host}:{self.port}/metrics"

    def close(self) -> None:
        """Stop serving. The meter provider stays: OpenTelemetry does not let go of one."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(
    port: int = 9464, addr: str = "127.0.0.1", *, ledger: Callable[[], Ledger] | None = None
) -> Served:
    """Serve this process's metrics for Prometheus to scrape, at ``http://ADDR:PORT/metrics``.

    It makes a meter provider with a ``PrometheusMetricReader`` and sets it as the global one;
    ``port`` 0 is a free one. ``ledger`` is asked at each scrape for the totals of journals,
    which are served as ``langchain_durable_journal_*`` (see ``JournalTotals``). Prometheus
    gets no exemplars this way, because the reader has none; OTLP has them.
    Before opentelemetry-exporter-prometheus 0.63b0, what the program has registered with
    ``prometheus_client`` itself is served too.
    Raises ``ConfigurationError`` if the app has a meter provider, or the port cannot be had.
    """
    if isinstance(metrics.get_meter_provider(), MeterProvider):
        raise _has_one()
    registry = CollectorRegistry() if _TAKES_REGISTRY else REGISTRY
    server, thread = _listen(port, addr, registry)
    options: dict[str, Any] = {"registry": registry} if _TAKES_REGISTRY else {}
    provider = MeterProvider([PrometheusMetricReader(**options)])
    if ledger is not None:
        registry.register(JournalTotals(ledger))
    metrics.set_meter_provider(provider)
    served = Served(int(server.server_port), addr, provider, server, thread)
    if metrics.get_meter_provider() is not provider:
        served.close()
        provider.shutdown()
        raise _has_one()
    return served


def _listen(port: int, addr: str, registry: CollectorRegistry) -> tuple[WSGIServer, Thread]:
    try:
        return start_http_server(port, addr, registry)
    except (OSError, OverflowError) as exc:
        raise ConfigurationError(
            "Metrics cannot be served at this address.",
            expected="a port of this machine that is free",
            came=f"{addr}:{port}: {exc}",
            do="give another port, or 0 for any",
        ) from exc


def _has_one() -> ConfigurationError:
    found = type(metrics.get_meter_provider())
    return ConfigurationError(
        "The app has a meter provider, and OpenTelemetry takes only one.",
        expected="none, so that one for Prometheus can be made",
        came=f"{found.__module__}.{found.__qualname__}",
        do=_OWN_READER,
    )
