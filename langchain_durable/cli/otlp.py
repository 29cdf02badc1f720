"""An OTLP exporter as the standard ``OTEL_EXPORTER_OTLP_*`` variables describe it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from langchain_durable.errors import ConfigurationError, IncompatibleVersion

if TYPE_CHECKING:  # gRPC takes half a second to import, which --help need not wait for
    from opentelemetry.sdk.trace.export import SpanExporter

GRPC, HTTP = "grpc", "http/protobuf"
_HTTP_PORT = 4318
_HTTP_PATH = "/v1/traces"
_DEFAULTS = {GRPC: "http://localhost:4317", HTTP: "http://localhost:4318"}


@dataclass(frozen=True, slots=True)
class Backend:
    """Where spans are sent. ``url`` is complete, and may hold a password."""

    protocol: str
    url: str
    given: bool
    """By an option: else the exporter reads the variables itself, with all their rules."""

    @property
    def shown(self) -> str:
        """The address without a password."""
        from langchain_durable.store.connect import safe_url

        return safe_url(self.url)

    def exporter(self) -> SpanExporter:
        """The exporter; headers, certificates, timeout and compression are the variables'."""
        url = self.url if self.given else None
        try:
            if self.protocol == GRPC:
                from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc

                return grpc.OTLPSpanExporter(endpoint=url)
            from opentelemetry.exporter.otlp.proto.http import trace_exporter as http

            return http.OTLPSpanExporter(endpoint=url)
        except ImportError as exc:
            raise IncompatibleVersion(
                f"The OTLP exporter for {self.protocol} cannot be imported.",
                expected="the package opentelemetry-exporter-otlp",
                came=str(exc),
                do="pip install opentelemetry-exporter-otlp",
            ) from exc
        except ValueError as exc:
            raise ConfigurationError(
                "The OTLP exporter does not take its settings.",
                expected="OTEL_EXPORTER_OTLP_* variables as OpenTelemetry describes them",
                came=str(exc),
                do="correct the variable",
            ) from exc


def choose_backend(endpoint: str | None, env: Mapping[str, str] = os.environ) -> Backend:
    """The backend that an endpoint and the variables name.

    ``endpoint`` is a base URL, as in ``OTEL_EXPORTER_OTLP_ENDPOINT``: over HTTP ``/v1/traces`` is
    added where it is missing. Without ``OTEL_EXPORTER_OTLP_PROTOCOL`` it is gRPC, as in
    OpenTelemetry for Python, but HTTP where the URL has HTTP's port 4318 or path.
    Raises ``ConfigurationError``.
    """
    general = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    own = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    if endpoint is not None:
        _check_url(endpoint)
    url = endpoint or own or general
    protocol = _protocol(url, env)
    url = url or _DEFAULTS[protocol]
    if protocol == HTTP and (endpoint or not own):
        url = _with_path(url)
    return Backend(protocol, url, given=endpoint is not None)


def _protocol(url: str, env: Mapping[str, str]) -> str:
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        said = env.get(name, "").strip()
        if said not in ("", GRPC, HTTP):
            raise ConfigurationError(
                "This protocol of OTLP is not known here.",
                expected=f"{GRPC} or {HTTP}",
                came=f"{name}={said}",
                do="correct the variable",
            )
        if said:
            return said
    return HTTP if _looks_like_http(url) else GRPC


def _looks_like_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.port == _HTTP_PORT or parts.path.rstrip("/").endswith(_HTTP_PATH)
    except ValueError:  # no port
        return False


def _with_path(url: str) -> str:
    base = url.rstrip("/")
    return base if base.endswith(_HTTP_PATH) else base + _HTTP_PATH


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise ConfigurationError(
            "--endpoint is not a URL that spans can be sent to.",
            expected="http://host:port or https://host:port",
            came=repr(url) if "@" not in url else "another URL",
            do="write for example --endpoint http://localhost:4318",
        )


@contextmanager
def complaints() -> Iterator[list[str]]:
    """What the exporter logs while it works, instead of lines between those of the command."""
    said: list[str] = []
    logger = logging.getLogger("opentelemetry")
    listener = _Listener(said)
    before = logger.propagate
    logger.propagate = False
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
        logger.propagate = before


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())
