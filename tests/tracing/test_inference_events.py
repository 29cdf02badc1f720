"""Model calls as events of the app's logs: what their spans say, and content as data."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from langchain_durable import Durable, semconv
from langchain_durable.ids import new
from langchain_durable.instrumentor import DurableInstrumentor
from tests.fakes import Model
from tests.strict import STRICT

EVENT = "gen_ai.client.inference.operation.details"
QUESTION = [{"role": "user", "parts": [{"content": "tea", "type": "text"}], "name": None}]
ANSWER = [
    {
        "role": "assistant",
        "parts": [{"content": "<tea>", "type": "text"}],
        "finish_reason": None,
        "name": None,
    }
]
CONTENT = {semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES, semconv.TOOL_DEFINITIONS}


def data(attributes: Any) -> dict[str, Any]:
    """Attributes with lists for tuples, which the SDK makes of them."""
    return dict(json.loads(json.dumps(dict(attributes))))


class Heard:
    """An app's traces and logs, in memory."""

    def __init__(self, **tracing: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.logs = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
        self.tracer_provider = TracerProvider(shutdown_on_exit=False, **tracing)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.logger_provider = LoggerProvider(shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self.logs))

    @property
    def providers(self) -> dict[str, Any]:
        return {
            "tracer_provider": self.tracer_provider,
            "logger_provider": self.logger_provider,
        }

    @property
    def events(self) -> list[ReadableLogRecord]:
        return [*self.logs.get_finished_logs()]

    def event(self) -> tuple[Any, dict[str, Any]]:
        """The only one, and its attributes."""
        (found,) = self.events
        return found.log_record, data(found.log_record.attributes)

    def spans(self, operation: str = semconv.CHAT) -> list[Any]:
        return [
            span
            for span in self.exporter.get_finished_spans()
            if (span.attributes or {}).get(semconv.OPERATION_NAME) == operation
        ]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def ask(capture: str = "EVENT_ONLY", emit: str = "") -> None:
        monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, capture)
        monkeypatch.setenv(semconv.EMIT_EVENT_VARIABLE, emit)

    return ask


@pytest.fixture
def instrumentor() -> Iterator[DurableInstrumentor]:
    made = DurableInstrumentor()
    yield made
    if made.is_instrumented_by_opentelemetry:
        made.uninstrument()


def run(heard: Heard, model: Any = None, *, url: str = "", **options: Any) -> None:
    """A run of one model call."""
    with Durable(url or f"memory://{new()}", **heard.providers, **options) as durable:
        durable.wrap(model or Model()).invoke("tea", durable.config("run"))


# -- what an event says -------------------------------------------------------------------------


def test_an_event_says_what_its_span_says_and_has_the_content_that_the_span_has_not(
    heard: Heard, asked: Callable[..., None]
) -> None:
    asked("EVENT_ONLY")
    run(heard)

    record, said = heard.event()
    (span,) = heard.spans()
    assert record.event_name == EVENT
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert record.timestamp == span.end_time
    assert said == {
        **data(span.attributes),
        semconv.INPUT_MESSAGES: QUESTION,
        semconv.OUTPUT_MESSAGES: ANSWER,
    }
    assert not CONTENT & span.attributes.keys()
    (scope,) = {each.instrumentation_scope.name for each in heard.events}  # type: ignore[union-attr]  # set
    assert scope == semconv.SCOPE


def test_span_and_event_has_content_on_both(heard: Heard, asked: Callable[..., None]) -> None:
    asked("span_and_event")
    run(heard)

    _, said = heard.event()
    (span,) = heard.spans()
    assert json.loads(span.attributes[semconv.INPUT_MESSAGES]) == said[semconv.INPUT_MESSAGES]
    assert json.loads(span.attributes[semconv.OUTPUT_MESSAGES]) == said[semconv.OUTPUT_MESSAGES]


@pytest.mark.parametrize(
    ("capture", "emit", "events"),
    [
        ("NO_CONTENT", "", 0),
        ("SPAN_ONLY", "", 0),
        ("NO_CONTENT", "True", 1),
        ("SPAN_ONLY", "true", 1),
        ("EVENT_ONLY", "false", 0),
    ],
)
def test_events_are_switched_apart_from_their_content(
    capture: str, emit: str, events: int, heard: Heard, asked: Callable[..., None]
) -> None:
    asked(capture, emit)
    run(heard)

    assert len(heard.events) == events
    for each in heard.events:
        assert not CONTENT & (each.log_record.attributes or {}).keys()


def test_another_value_counts_as_unset_and_says_so(
    heard: Heard, asked: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    asked("EVENT_ONLY", "perhaps")
    run(heard)

    assert "is 'perhaps'" in caplog.text
    assert heard.event()[1][semconv.OUTPUT_MESSAGES] == ANSWER


def test_tools_that_a_model_may_call_are_data_too(heard: Heard, asked: Callable[..., None]) -> None:
    @tool
    def weigh(item: str) -> str:
        """Weigh an item."""
        return item

    asked("EVENT_ONLY")
    with Durable("memory://", **heard.providers) as durable, durable.run(new()):
        Model().bind(tools=[{"type": "function", "function": {"name": "weigh"}}]).invoke("tea")

    (definition,) = heard.event()[1][semconv.TOOL_DEFINITIONS]
    assert definition["name"] == "weigh"


def test_a_call_that_fails_has_an_event_with_its_prompt_and_its_error(
    heard: Heard, asked: Callable[..., None]
) -> None:
    def refuse(messages: Any) -> str:
        raise ConnectionError("refused")

    asked("EVENT_ONLY")
    with pytest.raises(ConnectionError):
        run(heard, Model(answer=refuse))

    _, said = heard.event()
    assert said[semconv.ERROR_TYPE] == "ConnectionError"
    assert said[semconv.INPUT_MESSAGES] == QUESTION
    assert semconv.OUTPUT_MESSAGES not in said


def test_a_stream_and_a_completion_have_one_event_each(
    heard: Heard, asked: Callable[..., None]
) -> None:
    asked("EVENT_ONLY")
    with Durable("memory://", **heard.providers) as durable, durable.run(new()):
        list(Model().stream("tea"))
        FakeListLLM(responses=["<tea>"]).invoke("tea")

    said = [data(each.log_record.attributes) for each in heard.events]
    assert [each[semconv.OPERATION_NAME] for each in said] == ["chat", "text_completion"]
    answers = [each[semconv.OUTPUT_MESSAGES][0]["parts"] for each in said]
    assert answers == [ANSWER[0]["parts"]] * 2
    assert said[0][semconv.REQUEST_STREAM] is True


# -- where it goes ------------------------------------------------------------------------------


def test_a_replayed_call_has_no_second_event(heard: Heard, asked: Callable[..., None]) -> None:
    asked("EVENT_ONLY")
    url = f"memory://{new()}"
    broken = [True]

    def work(text: str) -> str:
        said = Model().invoke(text).text
        if broken.pop():
            raise ConnectionError("later")
        return said

    with Durable(url, **heard.providers) as durable:
        program = durable.wrap(RunnableLambda(work))
        with pytest.raises(ConnectionError):
            program.invoke("tea", durable.config("run"))
        broken.append(False)
        program.invoke("tea", durable.config("run"))

    assert len(heard.events) == 1


def test_calls_without_a_run_have_events(
    heard: Heard, asked: Callable[..., None], instrumentor: DurableInstrumentor
) -> None:
    asked("EVENT_ONLY")
    instrumentor.instrument(**heard.providers)
    Model().invoke("tea")

    record, said = heard.event()
    (span,) = heard.spans()
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert said[semconv.OUTPUT_MESSAGES] == ANSWER


def test_a_run_whose_spans_are_not_sampled_has_its_events(asked: Callable[..., None]) -> None:
    asked("EVENT_ONLY")
    heard = Heard(sampler=ALWAYS_OFF)
    run(heard)

    record, said = heard.event()
    assert not record.trace_flags.sampled
    assert record.trace_id
    assert said[semconv.OUTPUT_MESSAGES] == ANSWER


GLOBAL = """
    from opentelemetry import _logs
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from langchain_durable import Durable
    from tests.fakes import Model

    durable = Durable("memory://")
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    _logs.set_logger_provider(provider)
    with durable, durable.run("run"):
        Model().invoke("tea")
    assert _logs.get_logger_provider() is provider
    print(*[each.log_record.event_name for each in exporter.get_finished_logs()])
"""
OFF = """
    import sys
    from langchain_durable import Durable
    from tests.fakes import Model

    with Durable("memory://") as durable, durable.run("run"):
        Model().invoke("tea")
    print(*[name for name in sys.modules if name.endswith(("._logs", ".inference_events"))])
"""


@pytest.mark.parametrize(
    ("program", "capture", "said"), [(GLOBAL, "EVENT_ONLY", EVENT), (OFF, "", "")]
)
def test_the_apps_own_logs_are_found_whenever_configured_and_left_alone_where_off(
    program: str, capture: str, said: str, asked: Callable[..., None]
) -> None:
    asked(capture)
    done = subprocess.run(
        [sys.executable, *STRICT, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == said


# -- what it must not do ------------------------------------------------------------------------


def test_it_is_redacted_as_spans_are(heard: Heard, asked: Callable[..., None]) -> None:
    asked("EVENT_ONLY")
    run(heard, redact_spans=lambda value: "secret")

    _, said = heard.event()
    assert {said[key] for key in CONTENT & said.keys()} == {"secret"}


def test_it_keeps_within_the_budget_of_spans(heard: Heard, asked: Callable[..., None]) -> None:
    asked("EVENT_ONLY")
    run(heard, Model(answer=lambda messages: "x" * 1_000_000))

    _, said = heard.event()
    assert len(json.dumps(said[semconv.OUTPUT_MESSAGES])) <= 65_536
    assert said[semconv.TRUNCATED_BYTES] > 900_000


def test_what_an_exporter_cannot_write_is_text(heard: Heard, asked: Callable[..., None]) -> None:
    called = {"name": "weigh", "args": {"n": 2**70, "\udc80": "\udc80"}, "id": "1"}
    asked("EVENT_ONLY")
    run(heard, Model(answer=lambda messages: AIMessage("", tool_calls=[called])))

    _, said = heard.event()
    (part,) = said[semconv.OUTPUT_MESSAGES][0]["parts"]
    assert part["arguments"] == {"n": str(2**70), "\\udc80": "\\udc80"}
    assert encode_logs(heard.events).SerializeToString()


def test_logs_that_raise_do_not_reach_the_program(asked: Callable[..., None]) -> None:
    class Broken(SimpleLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            raise RuntimeError("broken")

    asked("EVENT_ONLY")
    heard = Heard()
    heard.logger_provider.add_log_record_processor(Broken(heard.logs))
    run(heard)
    assert heard.spans()
