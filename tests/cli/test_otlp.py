"""Which backend the options and variables name."""

from __future__ import annotations

import pytest

from langchain_durable.cli.otlp import Backend, choose_backend
from langchain_durable.errors import ConfigurationError

HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
TRACES = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:9/custom", **HTTP}


@pytest.mark.parametrize(
    ("endpoint", "env", "protocol", "url"),
    [
        (None, {}, "grpc", "http://localhost:4317"),
        (None, HTTP, "http/protobuf", "http://localhost:4318/v1/traces"),
        (None, TRACES, "http/protobuf", "http://c:9/custom"),
        ("http://c:4318", {}, "http/protobuf", "http://c:4318/v1/traces"),
        ("http://c:4318/", {}, "http/protobuf", "http://c:4318/v1/traces"),
        ("https://c/v1/traces", {}, "http/protobuf", "https://c/v1/traces"),
        ("http://c:4317", {}, "grpc", "http://c:4317"),
        ("http://c:4318", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc", "http://c:4318"),
        ("http://other:1", TRACES, "http/protobuf", "http://other:1/v1/traces"),
    ],
)
def test_an_option_comes_before_the_variables(
    endpoint: str | None, env: dict[str, str], protocol: str, url: str
) -> None:
    assert choose_backend(endpoint, env) == Backend(protocol, url, given=endpoint is not None)


@pytest.mark.parametrize("endpoint", ["", "localhost:4317", "ftp://c", "http://", "http://c:x"])
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="--endpoint"):
        choose_backend(endpoint, {})


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="http/json"):
        choose_backend(None, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})


def test_a_password_is_never_shown() -> None:
    assert "secret" not in choose_backend("http://me:secret@c:4318", {}).shown
    with pytest.raises(ConfigurationError) as caught:
        choose_backend("ftp://me:secret@c", {})
    assert "secret" not in str(caught.value)
