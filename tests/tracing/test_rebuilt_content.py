"""Captured content of spans that are made again of the journal."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, semconv
from langchain_durable.ids import new
from tests.fakes import Model

INPUTS = {semconv.INPUT_MESSAGES, semconv.RETRIEVAL_QUERY_TEXT, semconv.TOOL_DEFINITIONS}
"""What the journal does not keep."""

Told = dict[str, dict[str, Any]]


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document("a book", id="1")]


@tool
def weigh(item: str) -> str:
    """Weigh an item."""
    return f"{item}: 250 g"


def work(text: str) -> str:
    Shelf().invoke(text)
    return str(weigh.invoke({"item": Model().invoke(text).text}))


def told(exporter: InMemorySpanExporter, where: str = semconv.STEP) -> Told:
    return {
        span.name: dict(span.attributes or {})
        for span in exporter.get_finished_spans()
        if where in (span.attributes or {})
    }


@pytest.fixture
def url() -> str:
    return f"memory://{new()}"


def ran(
    url: str, redact: Any = None, *, program: Any = None, where: str = semconv.STEP
) -> tuple[Told, Told]:
    """The attributes of spans that have ``where`` among them, live and from an export."""
    live, again = InMemorySpanExporter(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(live))
    with Durable(url, tracer_provider=provider, redact_spans=redact) as durable:
        program = durable.wrap(program or RunnableLambda(work))
        asked = "tea" if where == semconv.STEP else {"messages": [("user", "tea")]}
        program.invoke(asked, durable.config("run"))
        durable.export("run", again)
    return told(live, where), told(again, where)


def test_what_steps_answered_is_there_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, "SPAN_ONLY")
    live, again = ran(url)

    assert len(live) == 3
    for name, attributes in live.items():
        kept = {key: value for key, value in attributes.items() if key not in INPUTS}
        assert again[name] == kept
    assert semconv.OUTPUT_MESSAGES in again["chat fake"]
    assert semconv.TOOL_CALL_ARGUMENTS in again["execute_tool weigh"]


def test_an_agents_span_has_neither_what_it_was_asked_nor_what_it_answered(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, "SPAN_ONLY")
    live, again = ran(url, program=create_agent(Model(), name="clerk"), where=semconv.AGENT_NAME)

    agent, rebuilt = live["invoke_agent clerk"], again["invoke_agent clerk"]
    assert agent.keys() - rebuilt.keys() == {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES}
    assert rebuilt.items() <= agent.items()


def test_it_is_redacted_as_live(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, "SPAN_ONLY")
    live, again = ran(url, lambda value: "secret")

    assert again["execute_tool weigh"] == live["execute_tool weigh"]
    assert again["execute_tool weigh"][semconv.TOOL_CALL_RESULT] == "secret"


def test_nothing_is_shown_where_content_is_off(url: str) -> None:
    live, again = ran(url)

    assert again == live
    assert semconv.TOOL_CALL_RESULT not in again["execute_tool weigh"]
