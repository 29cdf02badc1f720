"""Writes the fixtures: what the official instrumentor emits for each program.

In an environment of its own, because it instruments the whole process:

    pip install opentelemetry-instrumentation-genai-langchain==1.3b0 opentelemetry-sdk \\
        deepagents langchain langchain-classic langchain-openai langgraph -e .
    python -m tests.spans.official.record
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable.testing.openai_server import ScriptedOpenAI
from tests.spans.official.programs import EXAMPLES, Example
from tests.spans.official.written import written

HERE = Path(__file__).parent
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def main() -> None:
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    instrumentor = LangChainInstrumentor()  # type: ignore[no-untyped-call]  # as published
    with ScriptedOpenAI() as server:
        for example in EXAMPLES:
            server.reset()
            server.add(*example.rules)
            exporter.clear()
            os.environ[CAPTURE] = example.capture  # read when the instrumentor starts
            instrumentor.instrument(tracer_provider=provider)
            error = _run(example, server.url)
            instrumentor.uninstrument()
            _write(example, written(exporter.get_finished_spans()), error)


def _run(example: Example, url: str) -> str:
    config: RunnableConfig = {"metadata": dict(example.metadata)}
    try:
        example.call(url, config)
    except example.raises as exc:
        return type(exc).__name__
    return ""


def _write(example: Example, spans: list[dict[str, Any]], error: str) -> None:
    packages = ("opentelemetry-instrumentation-genai-langchain", "langchain-core", "langgraph")
    told = {"by": {name: version(name) for name in packages}, "raised": error, "spans": spans}
    path = HERE / f"{example.name}.json"
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(example.name, len(spans), error)


if __name__ == "__main__":
    main()
