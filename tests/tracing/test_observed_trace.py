"""Calls that are only observed: the program runs as it does without us, and its spans are whole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.callbacks import dispatch_custom_event
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import BaseTool, tool
from langgraph.config import get_stream_writer
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langchain_durable import idempotency_key
from langchain_durable.errors import DurableError
from langchain_durable.instrumenting.observing import observe, unobserve
from langchain_durable.tracing import Telemetry
from tests.fakes import Model, calls, once_each

OUTCOME = "langchain_durable.outcome"
ASKED: Any = {"messages": [{"role": "user", "content": "where?"}]}


class Observed:
    """A provider whose spans are kept, and whose process's calls are observed."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        observe(Telemetry(tracer_provider=self.provider))

    def parents(self) -> dict[str, str | None]:
        """Each span's name, and that of the span it stands under."""
        spans = self.exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        return {s.name: names[s.parent.span_id] if s.parent else None for s in spans}

    def outcomes(self) -> list[Any]:
        spans = self.exporter.get_finished_spans()
        return [(span.attributes or {}).get(OUTCOME) for span in spans]

    def names(self) -> list[str]:
        return sorted(span.name for span in self.exporter.get_finished_spans())


@pytest.fixture
def observed() -> Iterator[Observed]:
    yield Observed()
    unobserve()


class EverySecond(Sampler):
    """Samples every second trace."""

    def __init__(self) -> None:
        self._asked = 0

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        self._asked += 1
        return SamplingResult(Decision.RECORD_AND_SAMPLE if self._asked % 2 else Decision.DROP)

    def get_description(self) -> str:
        return "every second"


@pytest.fixture
def sampled() -> Iterator[Observed]:
    """The same, of which every second trace is sampled."""
    yield Observed(sampler=ParentBased(EverySecond()))
    unobserve()


def _clerk(*tools: BaseTool) -> Any:
    """An agent that calls each of its tools, and is done."""
    asked = calls(*((tool.name, {}) for tool in tools))
    return create_agent(Model(answer=once_each(asked, *["done"] * len(tools))), [*tools])


@tool
def writing() -> str:
    """Streams a piece."""
    get_stream_writer()({"piece": 1})
    return "written"


@tool
def dispatching() -> str:
    """Dispatches a custom event."""
    dispatch_custom_event("half", {"way": 1})
    return "dispatched"


def test_tools_stream_and_dispatch_as_ever(observed: Observed) -> None:
    said = _clerk(writing, dispatching).invoke(ASKED)
    assert [message.text for message in said["messages"][2:]] == ["written", "dispatched", "done"]
    assert [*_clerk(writing).stream(ASKED, stream_mode="custom")] == [{"piece": 1}]
    assert observed.names().count("execute_tool writing") == 2


@pytest.mark.usefixtures("observed")
def test_a_tool_in_no_run_has_no_idempotency_key() -> None:
    keys: list[str] = []

    @tool
    def pay() -> str:
        """Pay."""
        keys.append(idempotency_key())
        return "paid"

    with pytest.raises(DurableError, match="no step here"):
        _clerk(pay).invoke(ASKED)
    assert keys == []


@pytest.mark.parametrize("handled", [False, True])
def test_a_call_with_arguments_that_the_tool_refuses_has_its_span(
    handled: bool, observed: Observed
) -> None:
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return "paid"

    pay.handle_validation_error = handled
    model = Model(answer=once_each(calls(("pay", {"amount": "a lot"})), "done"))
    create_agent(model, [pay], name="clerk").invoke(ASKED)
    assert observed.parents()["execute_tool pay"] == "invoke_agent clerk"
    (span,) = (s for s in observed.exporter.get_finished_spans() if s.name == "execute_tool pay")
    told = span.attributes or {}
    assert told["gen_ai.tool.call.id"] == "call-0-pay"
    assert span.status.is_ok is handled
    failed = None if handled else "pydantic_core._pydantic_core.ValidationError"
    assert told.get("error.type") == failed
    assert observed.names().count("execute_tool pay") == 1


def test_a_stream_that_is_closed_has_its_span(observed: Observed) -> None:
    stream: Any = Model().stream("hi")
    next(stream)
    stream.close()
    assert observed.outcomes() == ["cancelled"]


async def _closed(model: Model) -> None:
    async with aclosing(model.astream("hi")) as stream:  # type: ignore[type-var]  # a generator
        await anext(stream)


async def _cancelled(model: Model) -> None:
    read = asyncio.Event()

    async def reading() -> None:
        async for _ in model.astream("hi"):
            read.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(reading())
    await read.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _timed_out(model: Model) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            async for _ in model.astream("hi"):
                await asyncio.Event().wait()


@pytest.mark.parametrize("leave", [_closed, _cancelled, _timed_out])
async def test_an_async_stream_that_is_left_has_its_span(
    leave: Callable[[Model], Any], observed: Observed
) -> None:
    await leave(Model())
    await asyncio.get_running_loop().shutdown_asyncgens()
    assert observed.outcomes() == ["cancelled"]


def _searching(observed: Observed) -> BaseTool:
    """A tool in which the program has a span of its own."""
    tracer = observed.provider.get_tracer("program")

    @tool
    def search() -> str:
        """Search."""
        with tracer.start_as_current_span("database"):
            return "found"

    return search


def test_a_trace_is_exported_whole_or_not_at_all(sampled: Observed) -> None:
    clerk = _clerk(_searching(sampled))
    for _ in range(4):
        clerk.invoke(ASKED)
    whole = ["chat fake", "chat fake", "database", "execute_tool search", "invoke_agent"]
    assert sampled.names() == sorted(2 * whole)


def test_a_call_at_the_top_is_sampled_with_what_the_program_does_in_it(sampled: Observed) -> None:
    search = _searching(sampled)
    for _ in range(4):
        search.invoke({})
    assert sampled.names() == sorted(2 * ["database", "execute_tool search"])


def test_nothing_is_exported_in_a_request_that_is_not_sampled(observed: Observed) -> None:
    request = NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(TraceFlags.DEFAULT)))
    with trace.use_span(request):
        _clerk(_searching(observed)).invoke(ASKED)
    assert observed.names() == []


def test_an_agent_stands_under_what_was_current_when_it_was_called(observed: Observed) -> None:
    tracer = observed.provider.get_tracer("program")

    @wrap_model_call
    def around(request: Any, handler: Callable[[Any], Any]) -> Any:
        with tracer.start_as_current_span("middleware"):
            return handler(request)

    with tracer.start_as_current_span("request"):
        create_agent(Model(), middleware=[around], name="clerk").invoke(ASKED)
    assert observed.parents() == {
        "request": None,
        "invoke_agent clerk": "request",
        "middleware": "invoke_agent clerk",
        "chat fake": "invoke_agent clerk",
    }


def test_a_prompt_that_is_filled_in_elsewhere_names_no_call(observed: Observed) -> None:
    refund = ChatPromptTemplate.from_template("refund {order}")
    refund.name = "refund"

    elsewhere = threading.Thread(target=refund.invoke, args=({"order": 1},))
    elsewhere.start()
    elsewhere.join()
    Model().invoke("hi")
    (refund | Model()).invoke({"order": 1})

    spans = [span.attributes or {} for span in observed.exporter.get_finished_spans()]
    models = [said for said in spans if said["gen_ai.operation.name"] == "chat"]
    assert [said.get("gen_ai.prompt.name") for said in models] == [None, "refund"]
