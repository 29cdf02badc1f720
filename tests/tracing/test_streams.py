"""The span of a stream that did not come to its end says that it was one, and when it began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, semconv
from tests.fakes import Model
from tests.metrics.reading import metrics_of


class Breaking(Model):
    """Its connection is lost after the first chunk."""

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="h"))
        raise ConnectionError("lost")


def closed(model: Any, config: Any) -> None:
    stream = model.stream("hi", config)
    next(stream)
    stream.close()


def left(model: Any, config: Any) -> None:
    async def leave() -> None:
        async with aclosing(model.astream("hi", config)) as stream:
            await anext(stream)

    asyncio.run(leave())


def cancelled(model: Any, config: Any) -> None:
    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), aclosing(model.astream("hi", config)) as stream:
                async for _ in stream:
                    await asyncio.Event().wait()

    asyncio.run(cancel())


def broken(model: Any, config: Any) -> None:
    with pytest.raises(ConnectionError):
        list(model.stream("hi", config))


def _told(exporter: InMemorySpanExporter) -> Sequence[Any]:
    spans = [span for span in exporter.get_finished_spans() if span.name.startswith("chat")]
    assert len(spans) == 1
    told = spans[0].attributes or {}
    return told.get(semconv.REQUEST_STREAM), told.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK)


@pytest.mark.parametrize("end", [closed, left, cancelled, broken])
def test_a_stream_that_is_not_read_to_its_end_says_when_it_began(
    end: Callable[[Any, Any], None],
) -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider, meters = TracerProvider(), MeterProvider([reader])
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Durable("memory://begun", tracer_provider=provider, meter_provider=meters) as durable:
        model = durable.wrap(Breaking() if end is broken else Model())
        end(model, durable.config(f"run-{end.__name__}"))
        streamed, first = _told(exporter)
        assert streamed is True
        assert isinstance(first, float)

        exporter.clear()
        durable.export(f"run-{end.__name__}", exporter)
        assert _told(exporter) == (streamed, first), "the journal says something else"
    (point,) = metrics_of(reader)["gen_ai.client.operation.time_to_first_chunk"].data.data_points
    assert getattr(point, "sum", None) == first


def test_a_stream_that_gives_nothing_has_no_first_chunk() -> None:
    class Silent(Model):
        def _stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
            raise ConnectionError("lost")
            yield

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with Durable("memory://silent", tracer_provider=provider) as durable:
        broken(durable.wrap(Silent()), durable.config("run"))
        assert _told(exporter) == (None, None)
