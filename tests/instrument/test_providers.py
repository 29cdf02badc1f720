"""Beside instrumentors of a provider's SDK, real ones: a model call has one span, and one cost."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable
from langchain_durable.ids import new
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI

FAMILIES = ("opentelemetry.instrumentation.genai.openai", "opentelemetry.instrumentation.openai")


@pytest.fixture(params=FAMILIES)
def exporter(request: pytest.FixtureRequest) -> Iterator[InMemorySpanExporter]:
    """What reaches a provider that one of them and a handle share."""
    made = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(made))
    instrumentor: Any = importlib.import_module(request.param).OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    request.node.provider = provider
    yield made
    instrumentor.uninstrument()


def model(server: ScriptedOpenAI) -> ChatOpenAI:
    return ChatOpenAI(model="gpt-4o", base_url=server.url, api_key="none")  # type: ignore[arg-type]


def chats(exporter: InMemorySpanExporter) -> list[str]:
    """The scopes of the spans of model calls."""
    spans = [span for span in exporter.get_finished_spans() if "chat" in span.name]
    return [span.instrumentation_scope.name for span in spans if span.instrumentation_scope]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of theirs
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_call_in_a_run_has_our_span_alone(
    way: str,
    exporter: InMemorySpanExporter,
    scripted_openai: ScriptedOpenAI,
    request: pytest.FixtureRequest,
) -> None:
    called = model(scripted_openai)
    scripted_openai.add(Rule(when="bees", says="They hum."))
    with Durable(f"memory://{new()}", tracer_provider=request.node.provider) as durable:
        with durable.run("run"):
            if way == "invoke":
                called.invoke("bees")
            else:
                list(called.stream("bees"))
        assert chats(exporter) == ["langchain_durable"]
    called.invoke("bees")
    assert len(chats(exporter)) == 2, "outside of runs the other one goes on"
