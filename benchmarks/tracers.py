"""The ways in which a program's calls are traced, and turning from one to the next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import Any, Literal

from langchain_core.runnables import Runnable
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.bench import Bench
from benchmarks.measure import Series, Side, in_turns
from benchmarks.row import Row
from langchain_durable import Durable, semconv
from langchain_durable.instrumentor import DurableInstrumentor
from langchain_durable.intercept.install import install, uninstall
from langchain_durable.waiting import drive

PEER = "opentelemetry-instrumentation-genai-langchain"
_PEER_MODULE = "opentelemetry.instrumentation.genai.langchain"
BARE, OFFICIAL, OBSERVED = "bare", "official", "observed"
IN_MEMORY, ON_VALKEY = "durable, in memory", "durable, on Valkey"
DURABLE = (IN_MEMORY, ON_VALKEY)

Colour = Literal["sync", "async"]
COLOURS: Sequence[Colour] = ("sync", "async")
Use = Callable[[Any, Any], Any]
"""Calls a program with a config, None for none. In async it returns an awaitable."""

_SETTLE = 0.001
_numbers = itertools.count(1)


def peer() -> str | None:
    """The version of the official instrumentor that is installed, if any."""
    try:
        return metadata.version(PEER)
    except metadata.PackageNotFoundError:
        return None


def skipped(case: str, unit: str) -> Row:
    """What stands for the official instrumentor's figure where it is not installed."""
    detail = f"{PEER} is not installed: pip install {PEER}"
    return Row(case=f"{case}: {OFFICIAL}", value=None, unit=unit, detail=detail)


class Discarding(SpanExporter):
    """An exporter that sends nothing anywhere. It only counts what it gets."""

    def __init__(self) -> None:
        self.spans = 0
        self.priced = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += len(spans)
        self.priced += sum(semconv.COST_AMOUNT in (span.attributes or {}) for span in spans)
        return SpanExportResult.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracer:
    """One way: its own provider, what begins it and what ends it, and its handle, if any."""

    provider: TracerProvider
    exporter: Discarding
    begin: Callable[[], Any]
    end: Callable[[], Any] = lambda: None
    durable: Durable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What was measured of one way: its calls, and the spans of each (how many have a price)."""

    series: Series
    spans: float
    priced: float

    @property
    def said(self) -> str:
        return f"{self.spans:g} spans, {self.priced:g} priced"


@contextmanager
def tracers(bench: Bench) -> Iterator[Tracers]:
    """All ways that can be measured here: without the official instrumentor, one less."""
    with ExitStack() as stack, asyncio.Runner() as loop:
        made = {BARE: _bare(stack)}
        if peer() is not None:
            made[OFFICIAL] = _official(stack)
        made[OBSERVED] = _observed(stack)
        for name, url in zip(DURABLE, ("memory://", bench.tcp), strict=True):
            made[name] = _durable(stack, url)
        stack.callback(install)  # as it is from the first handle on
        yield Tracers(made, loop)


def _provider(stack: ExitStack) -> tuple[TracerProvider, Discarding]:
    """A real one, the same for all."""
    provider, exporter = TracerProvider(shutdown_on_exit=False), Discarding()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    stack.callback(provider.shutdown)
    return provider, exporter


def _bare(stack: ExitStack) -> Tracer:
    provider, exporter = _provider(stack)
    return Tracer(provider=provider, exporter=exporter, begin=uninstall)


def _official(stack: ExitStack) -> Tracer:
    provider, exporter = _provider(stack)
    instrumentor: Any = import_module(_PEER_MODULE).LangChainInstrumentor()

    def begin() -> None:
        uninstall()
        instrumentor.instrument(tracer_provider=provider)

    end = instrumentor.uninstrument
    return Tracer(provider=provider, exporter=exporter, begin=begin, end=end)


def _observed(stack: ExitStack) -> Tracer:
    provider, exporter = _provider(stack)
    instrumentor = DurableInstrumentor()

    def begin() -> None:
        install()
        instrumentor.instrument(tracer_provider=provider)

    end = instrumentor.uninstrument
    return Tracer(provider=provider, exporter=exporter, begin=begin, end=end)


def _durable(stack: ExitStack, url: str) -> Tracer:
    provider, exporter = _provider(stack)
    durable = stack.enter_context(Durable(url, tracer_provider=provider))
    return Tracer(provider=provider, exporter=exporter, begin=install, durable=durable)


class Tracers:
    """Measures a program in all ways by turns, in this process."""

    def __init__(self, made: Mapping[str, Tracer], loop: asyncio.Runner) -> None:
        self._made = made
        self._loop = loop

    def measure(
        self, program: Runnable[Any, Any], use: Use, colour: Colour, *, rounds: int
    ) -> dict[str, Traced]:
        """One call of each way a round. Before each, that way makes a call that does not count,
        so that nothing is measured that is done once, or for the one before."""
        sides = {
            name: self._side(tracer, program, use, colour) for name, tracer in self._made.items()
        }
        seen = [(tracer.exporter.spans, tracer.exporter.priced) for tracer in self._made.values()]
        began: list[Tracer] = []

        def turn_to(name: str) -> None:
            while began:
                _end(began.pop())
            began.append(self._made[name])
            began[0].begin()
            sides[name]()

        try:
            found = drive(
                in_turns(sides, rounds=rounds, warmup=rounds // 10, settle=_SETTLE, before=turn_to)
            )
        finally:
            while began:
                _end(began.pop())
        calls = 2 * (rounds + rounds // 10)
        return {
            name: Traced(
                series=found[name],
                spans=(tracer.exporter.spans - spans) / calls,
                priced=(tracer.exporter.priced - priced) / calls,
            )
            for (name, tracer), (spans, priced) in zip(self._made.items(), seen, strict=True)
        }

    def _side(self, tracer: Tracer, program: Runnable[Any, Any], use: Use, colour: Colour) -> Side:
        durable = tracer.durable
        wrapped = program if durable is None else durable.wrap(program)

        def call() -> Any:
            config = None if durable is None else durable.config(f"traced-{next(_numbers)}")
            return use(wrapped, config)

        return call if colour == "sync" else lambda: self._loop.run(call())


def _end(tracer: Tracer) -> None:
    tracer.end()
    tracer.provider.force_flush()
