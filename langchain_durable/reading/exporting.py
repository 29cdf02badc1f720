"""A run's spans, sent again from its journal: to the program's own provider or to an exporter.

What was lost with a process, was never sampled or was sent to a backend that has gone can so be
looked at later. Ids, times and our attributes are the ones that the live spans had. What the app
itself has put on them is not there again, and of captured content only what the journal has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langchain_durable import ids, semconv
from langchain_durable.connecting.connector import Connector
from langchain_durable.errors import ConfigurationError, ExportFailed
from langchain_durable.events import Entry
from langchain_durable.installation import own_version
from langchain_durable.journal import Header, HeaderField
from langchain_durable.reading import queries
from langchain_durable.recorder.loading import decode_payload
from langchain_durable.spans.journaled import Journaled
from langchain_durable.spans.rebuild import rebuilt
from langchain_durable.tracing.sink import Sink
from langchain_durable.waiting import Blocking, Procedure

Target = trace.TracerProvider | SpanExporter
"""Who takes spans: a provider, whose processors get them, or one exporter."""

BATCH_BYTES = 3_500_000
"""Collectors take messages of 4 MiB over gRPC unless they are told otherwise."""
_BATCH_SPANS = 512
_QUEUE = 256
"""Spans after which a provider is flushed: its batch processor drops what does not fit."""

_NO_NAME = "unknown_service"
"""With this the SDK names a service that nobody has named."""

_NOBODYS = Context()
"""What was around a run is over: its baggage is not that of who exports it."""

_SPAN_BYTES = 160
_ITEM_BYTES = 24


def spans_of(
    entries: Iterable[Entry],
    header: Header,
    provider: trace.TracerProvider | None = None,
    *,
    alive: int | None = None,
    journaled: Journaled | None = None,
) -> list[ReadableSpan]:
    """The spans of a run, from its journal: the run's first, then in the order of their starts.

    They carry the resource of ``provider`` (without it, of the global one, or else what
    ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` say; if they name no service, the one
    that made the run). ``alive`` is the attempt that is at work: what it has open is left out.
    ``journaled`` has the content of steps. Empty for a journal from before there were spans.
    """
    chosen: Any = provider or trace.get_tracer_provider()
    resource = getattr(chosen, "resource", None)
    if not isinstance(resource, Resource):
        resource = _resource(header)
    scope = InstrumentationScope(semconv.SCOPE, own_version())
    return rebuilt(
        entries,
        header,
        resource=resource,
        scope=scope,
        alive=alive,
        journaled=journaled,
    )


def _resource(header: Header) -> Resource:
    """What the environment says, of the service that made the run."""
    resource = Resource.create()
    service = header.text(HeaderField.SERVICE)
    if service and str(resource.attributes.get(SERVICE_NAME, "")).startswith(_NO_NAME):
        return resource.merge(Resource({SERVICE_NAME: service}))
    return resource


def export(spans: Sequence[ReadableSpan], to: Target) -> None:
    """Send spans to an exporter, or to the processors of a provider. Blocks until they are out.

    Raises ``ExportFailed`` if the exporter says so, ``ConfigurationError`` for something that
    takes no spans (the provider of a program that has configured none, or has switched it off).
    What the exporters of a provider could not send, they log; the provider itself does not know.
    """
    if isinstance(to, TracerProvider):
        _to_provider(spans, to)
    elif isinstance(to, SpanExporter):
        _to_exporter(spans, to)
    else:
        raise ConfigurationError(
            "Spans cannot be sent there.",
            expected="a TracerProvider of the OpenTelemetry SDK, or a SpanExporter",
            came=type(to).__name__,
            do="configure a provider (trace.set_tracer_provider), or give an exporter: "
            "durable.export(run_id, OTLPSpanExporter())",
        )


def exported(
    connector: Connector, run_id: str, to: Target | None = None
) -> Procedure[Sequence[ReadableSpan]]:
    """Send a run's spans, as :meth:`Exporting.export` does; gives the spans that were sent."""
    target = trace.get_tracer_provider() if to is None else to
    runtime = yield from connector.connected()
    header = yield from queries.header(runtime, ids.checked(run_id))
    journaled = runtime.settings.telemetry.journaled(partial(decode_payload, runtime, run_id))
    entries = yield from queries.entries(runtime, run_id, payloads=journaled is not None)
    provider = None if isinstance(target, SpanExporter) else target
    alive = queries.working_attempt(runtime, header)
    spans = spans_of(entries, header, provider, alive=alive, journaled=journaled)
    yield Blocking(lambda: export(spans, target))
    return spans


# -- to a provider ----------------------------------------------------------------------------

_NOT_FLUSHED = (
    "its force_flush() gave False: a processor did not finish in time, or (with opentelemetry-sdk "
    "before 1.42) has no force_flush that returns True"
)


def _to_provider(spans: Sequence[ReadableSpan], provider: TracerProvider) -> None:
    sink = Sink(provider)
    if not sink.is_on:
        raise ConfigurationError(
            "Spans cannot be sent there.",
            expected="a TracerProvider that is switched on",
            came="one that was made with OTEL_SDK_DISABLED=true",
            do="unset the variable, or give an exporter: "
            "durable.export(run_id, OTLPSpanExporter())",
        )
    for first in range(0, len(spans), _QUEUE):
        for span in spans[first : first + _QUEUE]:
            sink.play(span, _NOBODYS)
        if not provider.force_flush():
            raise _failed(first, len(spans), _NOT_FLUSHED)


# -- to an exporter ---------------------------------------------------------------------------


def _to_exporter(spans: Sequence[ReadableSpan], exporter: SpanExporter) -> None:
    sent = 0
    for batch in batches(spans):
        try:
            result = exporter.export(batch)
        except Exception as exc:
            raise _failed(sent, len(spans), repr(exc)) from exc
        if result is not SpanExportResult.SUCCESS:
            raise _failed(sent, len(spans), "the exporter gave up")
        sent += len(batch)


def batches(spans: Iterable[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """The spans in batches that a collector takes; one that is too large alone stays alone."""
    batch: list[ReadableSpan] = []
    size = 0
    for span in spans:
        weight = weight_of(span)
        if batch and (size + weight > BATCH_BYTES or len(batch) == _BATCH_SPANS):
            yield batch
            batch, size = [], 0
        batch.append(span)
        size += weight
    if batch:
        yield batch


def weight_of(span: ReadableSpan) -> int:
    """An upper bound of the bytes that a span takes in OTLP, but for its resource."""
    parts = [span.attributes, *(link.attributes for link in span.links)]
    parts += [event.attributes for event in span.events]
    size = _SPAN_BYTES * (1 + len(span.links) + len(span.events))
    size += _size(span.name) + _size(span.status.description or "")
    return size + sum(_size(attributes or {}) for attributes in parts)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return _ITEM_BYTES + len(value.encode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, Sequence):
        return _ITEM_BYTES + sum(map(_size, value))
    return _ITEM_BYTES


def _failed(sent: int, total: int, came: str) -> ExportFailed:
    return ExportFailed(
        f"{sent} of {total} spans were sent.",
        expected="a backend that takes them all",
        came=came,
        do="send them again when it is there: they are still in the journal",
    )
