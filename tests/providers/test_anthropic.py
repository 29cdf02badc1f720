"""The real ChatAnthropic over HTTP: killed and resumed, and what its spans say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, StreamCut, semconv
from langchain_durable.testing.kill_points import KillPoints
from tests.conftest import MakeDurable
from tests.providers.anthropic_server import DONE, AnthropicServer, anthropic_server
from tests.providers.program import INPUT, MODEL, MODES, agent, program, told

# Anthropic's client warns of models that will be switched off, which sooner or later all are.
pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")

PRICE = (100 * 3 + 50 * 0.3 + 7 * 3.75 + 20 * 15) / 1e6
"""Of a call of ``MODEL`` in USD, by hand: fresh, read and written input, output."""


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with anthropic_server() as server:
        yield server


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def durable(make_durable: MakeDurable, exporter: InMemorySpanExporter) -> Durable:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return make_durable(tracer_provider=provider)


@pytest.mark.parametrize("mode", MODES)
def test_each_call_is_a_span_with_its_tokens_reason_and_price(
    durable: Durable, exporter: InMemorySpanExporter, server: AnthropicServer, mode: str
) -> None:
    assert program(durable, "run", server.url, mode)[-1][0] == "ai"
    spans = [span for span in exporter.get_finished_spans() if span.name == f"chat {MODEL}"]
    assert [_said(span) for span in spans] == [
        ("anthropic", 157, 50, 7, 20, (reason,), pytest.approx(PRICE))
        for reason in ("tool_use", "tool_use", "end_turn")
    ]


def _said(span: ReadableSpan) -> tuple[object, ...]:
    attributes = span.attributes or {}
    return tuple(
        attributes.get(key)
        for key in (
            semconv.PROVIDER_NAME,
            semconv.USAGE_INPUT_TOKENS,
            semconv.USAGE_CACHE_READ,
            semconv.USAGE_CACHE_WRITE,
            semconv.USAGE_OUTPUT_TOKENS,
            semconv.RESPONSE_FINISH_REASONS,
            semconv.COST_AMOUNT,
        )
    )


def test_a_stream_that_was_cut_is_not_an_answer(durable: Durable, server: AnthropicServer) -> None:
    wrapped, config = durable.wrap(agent(server.url)), durable.config("run")
    server.cuts = 1
    with pytest.raises(StreamCut, match="ChatAnthropic ended without a finish reason"):
        list(wrapped.stream(INPUT, config, stream_mode="messages"))
    assert server.requests == 1
    assert told(wrapped.invoke(INPUT, config))[-1][1] == DONE
    assert server.requests == 4


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_outlives_a_kill_in_its_middle(
    kill_points: KillPoints, server: AnthropicServer, mode: str
) -> None:
    report = kill_points(program, server.url, mode, most=2)
    assert report.kills == 2


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES)
def test_an_agent_outlives_a_kill_at_every_boundary(
    kill_points: KillPoints, server: AnthropicServer, mode: str
) -> None:
    report = kill_points(program, server.url, mode)
    assert report.kills == 12
