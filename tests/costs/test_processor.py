"""On the real SDK: what stands on a span when an exporter sees it."""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanKind, Tracer, set_span_in_context

from langchain_durable.costs import Price, Pricing, Settled, pricing
from langchain_durable.costs import processor as processor_module
from langchain_durable.costs.endings import endings_hold
from langchain_durable.costs.processor import CostSpanProcessor

AMOUNT = "gen_ai.usage.cost.amount"
CHAT: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}
# 1000 * 2.5 + 100 * 10 = 3500 millionths
TABLE = {"openai/gpt-4o": {"input": 2.5, "output": 10}}
COST = 0.0035


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> Iterator[None]:
    said = (pricing.once.said, processor_module.once.said)
    for one in said:
        one.clear()
    yield
    for one in said:
        one.clear()


class Traced:
    """A provider of its own, with our processor and an exporter that keeps all it gets."""

    def __init__(self, *processors: SpanProcessor, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        for processor in processors or (CostSpanProcessor(Pricing(TABLE)),):
            self.provider.add_span_processor(processor)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer: Tracer = self.provider.get_tracer("test")

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def costs(self) -> dict[str, Any]:
        return {span.name: (span.attributes or {}).get(AMOUNT) for span in self.spans()}


@pytest.fixture
def traced() -> Traced:
    return Traced()


def test_a_chat_span_carries_its_cost(traced: Traced) -> None:
    traced.tracer.start_span("chat", attributes=CHAT).end()
    attributes = dict(traced.spans()[0].attributes or {})
    book = attributes.pop("langchain_durable.cost.book")
    assert isinstance(book, str)
    assert book.startswith("static ")
    assert attributes == {
        **CHAT,
        AMOUNT: COST,
        "gen_ai.usage.cost.currency": "USD",
        "gen_ai.usage.cost.source": "local",
    }


@pytest.mark.parametrize("first", [True, False], ids=["exporter first", "ours first"])
@pytest.mark.parametrize("kind", [SimpleSpanProcessor, BatchSpanProcessor])
def test_the_cost_is_there_whoever_was_registered_first(kind: Any, first: bool) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    order = [kind(exporter), CostSpanProcessor(Pricing(TABLE))]
    for processor in order if first else reversed(order):
        provider.add_span_processor(processor)
    provider.get_tracer("test").start_span("chat", attributes=CHAT).end()
    assert provider.force_flush()
    [span] = exporter.get_finished_spans()
    provider.shutdown()
    assert (span.attributes or {})[AMOUNT] == COST


def test_attributes_that_come_after_the_start_count(traced: Traced) -> None:
    with traced.tracer.start_as_current_span("late") as span:
        span.set_attributes(CHAT)
    assert traced.costs() == {"late": COST}


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "openinference.span.kind": "LLM",
            "llm.system": "openai",
            "llm.model_name": "gpt-4o",
            "llm.token_count.prompt": 1000,
            "llm.token_count.completion": 100,
        },
        {
            "llm.request.type": "chat",
            "gen_ai.system": "openai",
            "gen_ai.response.model": "gpt-4o",
            "llm.usage.prompt_tokens": 1000,
            "llm.usage.completion_tokens": 100,
        },
    ],
    ids=["openinference", "openllmetry"],
)
def test_other_instrumentors_spans_are_priced(traced: Traced, attributes: dict[str, Any]) -> None:
    traced.tracer.start_span("call", attributes=attributes).end()
    assert traced.costs() == {"call": COST}


@pytest.mark.parametrize("operation", ["invoke_agent", "invoke_workflow", "execute_tool"])
def test_what_stands_around_calls_is_not_priced(traced: Traced, operation: str) -> None:
    around = {**CHAT, "gen_ai.operation.name": operation}
    with traced.tracer.start_as_current_span("around", attributes=around):
        traced.tracer.start_span("chat", attributes=CHAT).end()
    assert traced.costs() == {"chat": COST, "around": None}


def test_a_provider_s_span_inside_a_framework_s_is_the_same_call(traced: Traced) -> None:
    with (
        traced.tracer.start_as_current_span("framework", attributes=CHAT),
        traced.tracer.start_as_current_span("http"),
        traced.tracer.start_as_current_span("provider", attributes=CHAT),
    ):
        pass
    assert traced.costs() == {"provider": None, "http": None, "framework": COST}


def test_a_call_in_a_tool_of_a_call_is_one_of_its_own(traced: Traced) -> None:
    tool = {"gen_ai.operation.name": "execute_tool"}
    with (
        traced.tracer.start_as_current_span("outer", attributes=CHAT),
        traced.tracer.start_as_current_span("tool", attributes=tool),
        traced.tracer.start_as_current_span("inner", attributes=CHAT),
    ):
        pass
    assert traced.costs() == {"inner": COST, "tool": None, "outer": COST}


@pytest.mark.parametrize("name", [AMOUNT, "llm.cost.total", "operation.cost"])
def test_a_cost_that_is_there_stays_alone(traced: Traced, name: str) -> None:
    traced.tracer.start_span("chat", attributes={**CHAT, name: 7.0}).end()
    assert dict(traced.spans()[0].attributes or {}) == {**CHAT, name: 7.0}


def test_two_cost_processors_set_one_cost() -> None:
    dear = Pricing({"gpt-4o": {"input": 99, "output": 99}})
    traced = Traced(CostSpanProcessor(Pricing(TABLE)), CostSpanProcessor(dear))
    traced.tracer.start_span("chat", attributes=CHAT).end()
    assert traced.costs()["chat"] is not None


def test_an_unknown_price_is_no_attribute_and_the_observer_is_told() -> None:
    seen: list[tuple[str, Settled]] = []
    processor = CostSpanProcessor(
        Pricing(TABLE), observe=lambda span, settled: seen.append((span.name, settled))
    )
    traced = Traced(processor)
    unknown = {**CHAT, "gen_ai.request.model": "gpt-99"}
    traced.tracer.start_span("unknown", attributes=unknown).end()
    traced.tracer.start_span("other").end()
    assert dict(traced.spans()[0].attributes or {}) == unknown
    assert seen == [("unknown", Settled(unpriced="unknown_model"))]


@pytest.mark.parametrize(
    "usage",
    [
        {"gen_ai.usage.input_tokens": "many"},
        {"gen_ai.usage.input_tokens": -4},
        {"gen_ai.usage.input_tokens": [1, 2]},
        {"gen_ai.usage.input_tokens": float("nan")},
        {"gen_ai.usage.input_tokens": True},
        {"gen_ai.provider.name": 7, "gen_ai.request.model": 8},
    ],
)
def test_attributes_that_make_no_sense_give_no_cost(traced: Traced, usage: dict[str, Any]) -> None:
    traced.tracer.start_span("chat", attributes={**CHAT, **usage}).end()
    assert traced.costs() == {"chat": None}


def test_the_price_is_that_of_the_span_s_start() -> None:
    asked: list[datetime] = []

    def book(tokens: Any, *, provider: str, model: str, at: datetime) -> Price:
        asked.append(at)
        return Price(Decimal(1))

    traced = Traced(CostSpanProcessor(Pricing(book)))
    start = datetime(2025, 6, 9, tzinfo=UTC)
    nanoseconds = int(start.timestamp()) * 10**9
    traced.tracer.start_span("chat", attributes=CHAT, start_time=nanoseconds).end()
    assert asked == [start]


def test_an_explicit_end_time_is_kept(traced: Traced) -> None:
    traced.tracer.start_span("chat", attributes=CHAT, start_time=5).end(7)
    traced.tracer.start_span("named", attributes=CHAT, start_time=5).end(end_time=8)
    assert [span.end_time for span in traced.spans()] == [7, 8]


def test_a_second_end_is_what_it_is_without_us(
    traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    span = traced.tracer.start_span("chat", attributes=CHAT)
    span.end()
    span.end()
    assert [record.message for record in caplog.records] == ["Calling end() on an ended span."]
    assert traced.costs() == {"chat": COST}


def test_an_end_that_was_kept_works_when_the_span_was_not(traced: Traced) -> None:
    with ExitStack() as stack:
        stack.callback(traced.tracer.start_span("chat", attributes=CHAT).end)
        gc.collect()
    assert traced.costs() == {"chat": COST}


def test_a_span_that_never_ends_is_not_kept_alive() -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    traced = Traced(processor)
    span = traced.tracer.start_span("chat", attributes=CHAT)
    gone = weakref.ref(span)
    gc.disable()
    try:
        del span
        assert gone() is None  # without the collector: there is no cycle
    finally:
        gc.enable()
    assert len(processor._alive) == 0


def test_nothing_grows_with_the_number_of_spans() -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    traced = Traced(processor)
    for _ in range(50):
        with traced.tracer.start_as_current_span("chat", attributes=CHAT):
            pass
    assert len(processor._alive) == 0
    assert len(processor._classes) == 2  # the SDK's class, and the one derived from it


def test_a_span_looks_like_what_it_was(traced: Traced) -> None:
    bare = TracerProvider(shutdown_on_exit=False).get_tracer("bare").start_span("bare")
    span = traced.tracer.start_span("chat")
    assert isinstance(span, type(bare))
    assert type(span).__qualname__ == type(bare).__qualname__
    assert type(span).__module__ == type(bare).__module__
    assert repr(span).startswith('_Span(name="chat"')


@pytest.mark.parametrize(
    "book", [lambda *asked, **more: 1 / 0, lambda *asked, **more: Price(Decimal("NaN"))]
)
def test_a_book_that_fails_costs_the_span_nothing(
    book: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    traced = Traced(CostSpanProcessor(Pricing(book)))
    for _ in range(3):
        traced.tracer.start_span("chat", attributes=CHAT).end()
    assert traced.costs() == {"chat": None}
    assert len(traced.spans()) == 3
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_observer_that_fails_costs_the_span_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def observe(span: ReadableSpan, settled: Settled) -> None:
        raise RuntimeError

    traced = Traced(CostSpanProcessor(Pricing(TABLE), observe=observe))
    for _ in range(3):
        traced.tracer.start_span("chat", attributes=CHAT).end()
    assert traced.costs() == {"chat": COST}
    assert len(traced.spans()) == 3
    assert [record.message for record in caplog.records] == ["A span could not be priced."]


def test_an_interrupt_in_a_book_leaves_after_the_span_has_ended() -> None:
    def book(*asked: Any, **more: Any) -> Price:
        raise KeyboardInterrupt

    traced = Traced(CostSpanProcessor(Pricing(book)))
    with pytest.raises(KeyboardInterrupt):
        traced.tracer.start_span("chat", attributes=CHAT).end()
    assert len(traced.spans()) == 1


def test_spans_that_are_not_recorded_are_let_be() -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    traced = Traced(processor, sampler=ALWAYS_OFF)
    traced.tracer.start_span("chat", attributes=CHAT).end()
    bare: Any = NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)
    processor.on_start(bare)
    assert type(bare) is NonRecordingSpan
    assert traced.spans() == []


def test_a_remote_parent_is_no_call(traced: Traced) -> None:
    remote = trace.SpanContext(7, 8, is_remote=True, trace_flags=trace.TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(remote))
    traced.tracer.start_span("chat", context=context, attributes=CHAT).end()
    assert traced.costs() == {"chat": COST}


class _Slotted:
    """A span of somebody else's, with neither a dict nor weak references."""

    __slots__ = ("attributes", "context", "ended", "kind", "parent", "start_time")

    def __init__(self, kind: SpanKind = SpanKind.CLIENT) -> None:
        self.attributes: dict[str, Any] = dict(CHAT)
        self.context = trace.SpanContext(1, 2, is_remote=False)
        self.ended: list[int | None] = []
        self.kind = kind
        self.parent = None
        self.start_time = 0

    def is_recording(self) -> bool:
        return not self.ended

    def get_span_context(self) -> trace.SpanContext:
        return self.context

    def set_attributes(self, attributes: dict[str, Any]) -> None:
        self.attributes.update(attributes)

    def end(self, end_time: int | None = None) -> None:
        self.ended.append(end_time)


def test_spans_with_slots_are_priced() -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    span: Any = _Slotted()
    processor.on_start(span)
    span.end(9)
    assert span.attributes[AMOUNT] == COST
    assert span.ended == [9]


def test_a_server_s_span_is_never_a_call() -> None:
    span: Any = _Slotted(SpanKind.SERVER)
    CostSpanProcessor(Pricing(TABLE)).on_start(span)
    span.end()
    assert AMOUNT not in span.attributes


def test_a_span_that_is_none_costs_the_program_nothing(caplog: pytest.LogCaptureFixture) -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    for _ in range(2):
        span: Any = object()
        processor.on_start(span)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_with_this_sdk_the_attribute_is_there_before_the_end() -> None:
    assert endings_hold()


class _Rigid(_Slotted):
    """A span that takes no other class."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__class__":
            raise TypeError("this class cannot be changed")
        super().__setattr__(name, value)


def test_where_a_span_takes_no_other_class_there_is_one_warning_and_no_cost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    processor = CostSpanProcessor(Pricing(TABLE))
    for _ in range(2):
        span: Any = _Rigid()
        processor.on_start(span)
        span.end()
        assert AMOUNT not in span.attributes
    assert [record.message for record in caplog.records] == [
        "Spans of class _Rigid cannot be priced."
    ]


def test_where_the_sdk_s_spans_end_otherwise_there_is_one_warning_and_no_cost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Span, name: str, value: Any) -> None:
        if name == "__class__":
            raise TypeError("this class cannot be changed")
        object.__setattr__(self, name, value)

    endings_hold.cache_clear()
    monkeypatch.setattr(Span, "__setattr__", refuse)
    try:
        traced = Traced()
        for _ in range(2):
            traced.tracer.start_span("chat", attributes=CHAT).end()
    finally:
        endings_hold.cache_clear()
    assert traced.costs() == {"chat": None}
    assert [record.message for record in caplog.records] == [
        "With this OpenTelemetry SDK, spans are not priced."
    ]


def test_without_pricing_the_prices_are_those_of_genai_prices() -> None:
    traced = Traced(CostSpanProcessor())
    traced.tracer.start_span("chat", attributes=CHAT).end()
    [cost] = traced.costs().values()
    assert cost > 0
    assert str((traced.spans()[0].attributes or {})["langchain_durable.cost.book"]).startswith(
        "genai-prices"
    )
