"""What calls say, and secrets, do not reach Jaeger; numbers do, as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from langchain_durable.demo.scenario import ANSWER, QUESTION
from tests.backends.backend import Backends, Binaries, Collector, start_collector
from tests.backends.conftest import MakeStage
from tests.backends.jaeger import Span
from tests.backends.playing import Stage
from tests.backends.program import HARMLESS, SECRET

CAPTURE = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


def text_of(spans: list[Span]) -> str:
    return json.dumps([asdict(span) for span in spans], ensure_ascii=False)


def test_content_stops_at_a_collector_that_was_not_told_to_pass_it(
    stage: Stage, backends: Backends
) -> None:
    stage.run(environment=CAPTURE, leak=True)
    spans = backends.jaeger.finished(stage.trace_id())
    said = text_of(spans)
    assert QUESTION not in said
    assert ANSWER not in said
    assert "letter" not in said
    assert not [key for span in spans for key in span.attributes if "messages" in key]


@pytest.fixture(scope="module")
def open_collector(
    binaries: Binaries, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """One that was told to pass content."""
    directory = tmp_path_factory.mktemp("open")
    with start_collector(binaries.otelcol, directory, backends.jaeger.otlp, **CAPTURE) as started:
        yield started


def test_content_is_there_where_the_user_wants_it(
    make_stage: MakeStage, open_collector: Collector, backends: Backends
) -> None:
    stage = make_stage(open_collector.endpoint)
    stage.run(environment=CAPTURE)
    spans = backends.jaeger.finished(stage.trace_id())
    agent = named(spans, "invoke_agent clerk")
    assert QUESTION in agent.attributes["gen_ai.input.messages"]
    assert ANSWER in agent.attributes["gen_ai.output.messages"]


def test_secrets_are_masked_and_numbers_are_not(stage: Stage, backends: Backends) -> None:
    stage.run(leak=True)
    spans = backends.jaeger.finished(stage.trace_id())
    said = text_of(spans)
    for secret in (SECRET, SECRET[-10:], "abcdef0123456789", "hunter2", "Y2xlcms6aHVudGVyMg"):
        assert secret not in said
    leaky = named(spans, "POST /refunds").attributes
    assert leaky["app.note"] == "called with **** twice"
    assert leaky["url.full"] == "https****bank.example/refunds?amount=89"
    assert leaky["app.header"] == "****"
    assert leaky["app.harmless"] == HARMLESS
    assert leaky["app.max_tokens"] == 4096
    chats = [span.attributes for span in spans if span.operation == "chat"]
    for told in chats:
        assert type(told["gen_ai.usage.input_tokens"]) is int
        assert type(told["gen_ai.usage.cost.amount"]) is float
        assert type(told["langchain_durable.attempt"]) is int
        assert told["langchain_durable.run_id"] == stage.job.run_id


def test_a_secret_in_an_exception_is_masked(stage: Stage, backends: Backends) -> None:
    stage.run(fail=True)
    spans = backends.jaeger.finished(stage.trace_id())
    assert SECRET not in text_of(spans)
    failed = named(spans, "execute_tool refund")
    assert failed.error
    assert failed.message == "the bank refused the key ****"
    assert not [key for span in spans for key in span.attributes if "status_text" in key]
