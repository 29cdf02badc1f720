"""A program with spans: ``python -m tests.tracing.traced URL SPANS CALL HOW``.

Exports its spans to the file SPANS as JSON lines, and kills itself with SIGKILL in model or tool
call CALL (0: never), HOW ``at once`` (each span is exported when it ends) or ``batched``. With HOW
``by export`` it dies when it has exported CALL spans, each at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

from langchain_durable import Durable
from tests.fakes import Model, calls

RUN = "order-42"


class Fatal:
    """Kills the process in one of its calls."""

    def __init__(self, call: int) -> None:
        self._left = call

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Lines(SpanExporter):
    """Appends spans to a file, one JSON object a line."""

    def __init__(self, path: str, fatal: Fatal | None = None) -> None:
        self._path = path
        self._fatal = fatal or Fatal(0)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with open(self._path, "a", encoding="utf-8") as file:
            for span in spans:
                said = json.loads(span.to_json(indent=None))
                file.write(json.dumps(said, sort_keys=True) + "\n")
        self._fatal()
        return SpanExportResult.SUCCESS


def agent(fatal: Fatal) -> Any:
    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        fatal()
        done = sum(isinstance(message, ToolMessage) for message in messages)
        asked = calls(("look_up", {"order": f"A{done}"}))
        return asked if done < 2 else "both are there"

    @tool
    def look_up(order: str) -> str:
        """Look an order up."""
        fatal()
        with trace.get_tracer("program").start_as_current_span("database"):
            return f"{order} is there"

    return create_agent(Model(answer=answer), [look_up], name="clerk")


def main(url: str, spans: str, call: str, how: str) -> None:
    provider = TracerProvider()
    in_call, in_export = Fatal(int(call)), Fatal(0)
    if how == "by export":
        in_call, in_export = in_export, in_call
    exporter = Lines(spans, in_export)
    provider.add_span_processor(
        BatchSpanProcessor(exporter) if how == "batched" else SimpleSpanProcessor(exporter)
    )
    trace.set_tracer_provider(provider)
    with Durable(url) as durable:
        program = durable.wrap(agent(in_call))
        said = program.invoke(
            {"messages": [{"role": "user", "content": "where?"}]},
            durable.config(RUN, thread_id="talk-1"),
        )
    print(said["messages"][-1].text)


if __name__ == "__main__":
    main(*sys.argv[1:])
