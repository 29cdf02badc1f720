"""A program whose provider's SDK is instrumented: ``python -m tests.instrument.beside MODULE URL``.

A process of its own: what these instrumentors wrap, not all of them unwrap. Prints, as JSON, the
scopes of the spans of three model calls: two in runs, and one outside of them.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from langchain_openai import ChatOpenAI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from langchain_durable import Durable


def main(module: str, url: str) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor: Any = importlib.import_module(module).OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    model = ChatOpenAI(model="gpt-4o", base_url=url, api_key=SecretStr("none"))
    found: list[list[str]] = []

    def look() -> None:
        spans = [span for span in exporter.get_finished_spans() if "chat" in span.name]
        found.append([s.instrumentation_scope.name for s in spans if s.instrumentation_scope])
        exporter.clear()

    with Durable("memory://", tracer_provider=provider) as durable:
        with durable.run("invoked"):
            model.invoke("bees")
        look()
        with durable.run("streamed"):
            list(model.stream("bees"))
        look()
    model.invoke("bees")
    look()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
