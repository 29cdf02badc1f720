"""A Collector that is down, slow, or refuses: the run goes on, and the journal has it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_durable.demo.scenario import ANSWER, CALLS
from tests.backends.backend import Backends, Binaries, Collector, start_collector, start_jaeger
from tests.backends.conftest import MakeStage
from tests.backends.jaeger import Span
from tests.backends.playing import Stage, export
from tests.servers import free_port

TIMEOUT = 2.0
"""Seconds that the program's exporters have for one message."""

CAPTURE = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}
LONG_CALLS, LONG_TEXT = 80, 65_000
"""One batch of more than 4 MiB."""

SLOWER = 2.0
"""Seconds that a run may take longer without a Collector: nothing waits for it, but the machine
is shared."""


def is_whole(spans: list[Span]) -> bool:
    """Whether the run's trace is there, each span once."""
    ids = {span.span_id for span in spans}
    steps = [span for span in spans if "langchain_durable.step" in span.attributes]
    parents = {span.parent for span in spans if span.parent}
    return len(ids) == len(spans) and len(steps) == len(CALLS) and parents <= ids


@pytest.fixture(scope="module")
def undisturbed(make_stage: MakeStage) -> float:
    """Seconds that the run takes with a Collector."""
    return float(make_stage().run()["ran"])


@pytest.fixture
def own_collector(
    binaries: Binaries, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    directory = tmp_path_factory.mktemp("own")
    with start_collector(binaries.otelcol, directory, backends.jaeger.otlp) as started:
        yield started


def test_a_collector_that_is_down_costs_no_time_and_loses_nothing(
    make_stage: MakeStage, undisturbed: float, backends: Backends
) -> None:
    stage = make_stage(f"http://127.0.0.1:{free_port()}")
    said = stage.run(timeout=TIMEOUT)
    assert said["answer"] == ANSWER
    assert said["ran"] < undisturbed + SLOWER
    assert backends.jaeger.spans(stage.trace_id()) == []

    sent = export(stage, backends.collector.endpoint)
    spans = backends.jaeger.finished(stage.trace_id(), sent)
    assert len(spans) == sent
    assert is_whole(spans)


def test_a_collector_that_does_not_answer_costs_no_time_and_loses_nothing(
    make_stage: MakeStage, undisturbed: float, own_collector: Collector, backends: Backends
) -> None:
    stage = make_stage(own_collector.endpoint)
    own_collector.service.pause()
    said = stage.run(timeout=TIMEOUT)
    assert said["answer"] == ANSWER
    assert said["ran"] < undisturbed + SLOWER
    own_collector.service.resume()

    sent = export(stage, own_collector.endpoint)
    spans = backends.jaeger.finished(stage.trace_id(), sent)
    assert is_whole(spans)


@pytest.fixture
def small_collector(
    binaries: Binaries, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collector]:
    """One with gRPC's own limit of 4 MiB a message, as most have it."""
    limit = "yaml:receivers::otlp::protocols::grpc::max_recv_msg_size_mib: 4"
    directory = tmp_path_factory.mktemp("small")
    with start_collector(
        binaries.otelcol, directory, backends.jaeger.otlp, limit, **CAPTURE
    ) as started:
        yield started


def test_a_batch_that_is_refused_for_its_size_loses_nothing(
    make_stage: MakeStage, small_collector: Collector, backends: Backends
) -> None:
    stage = make_stage(small_collector.endpoint)
    said = stage.run(environment=CAPTURE, long_calls=LONG_CALLS, long_text=LONG_TEXT)
    assert "RESOURCE_EXHAUSTED" in said["stderr"]
    assert backends.jaeger.spans(stage.trace_id()) == []

    sent = export(stage, small_collector.endpoint)
    spans = backends.jaeger.finished(stage.trace_id(), sent)
    assert sum(span.operation == "chat" for span in spans) == LONG_CALLS


def test_a_large_batch_is_taken_and_split_for_a_jaeger_that_takes_4_mib(
    make_stage: MakeStage, binaries: Binaries, tmp_path: Path
) -> None:
    limit = "--set=receivers.otlp.protocols.grpc.max_recv_msg_size_mib=4"
    with (
        start_jaeger(binaries.jaeger, tmp_path, "http://127.0.0.1:1", limit) as jaeger,
        start_collector(binaries.otelcol, tmp_path, jaeger.otlp, **CAPTURE) as collector,
    ):
        stage = make_stage(collector.endpoint)
        said = stage.run(environment=CAPTURE, long_calls=LONG_CALLS, long_text=LONG_TEXT)
        assert "RESOURCE_EXHAUSTED" not in said["stderr"]
        spans = jaeger.finished(stage.trace_id(), LONG_CALLS + len(("run", "attempt")))
        chats = [span for span in spans if span.operation == "chat"]
        assert len(chats) == LONG_CALLS
        assert sum(len(chat.attributes["gen_ai.input.messages"]) for chat in chats) > 4 * 2**20


def test_a_run_that_arrived_is_shown_once_when_it_is_exported_again(
    stage: Stage, backends: Backends
) -> None:
    stage.run()
    before = backends.jaeger.finished(stage.trace_id())
    for _ in range(2):
        export(stage, backends.collector.endpoint)
    after = backends.jaeger.finished(stage.trace_id(), len(before))
    assert sorted(span.span_id for span in after) == sorted(span.span_id for span in before)
    assert is_whole(after)
