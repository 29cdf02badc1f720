"""What a chunk of a streamed answer costs more, with spans, prices and a journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.bench import Bench, Benchmark
from benchmarks.measure import ratio
from benchmarks.programs import StreamingModel
from benchmarks.row import Row, Target
from benchmarks.tracers import BARE, COLOURS, OFFICIAL, Colour, Traced, Use, skipped, tracers

_LIMIT = Target(10.0)
_QUESTION = "What is the sum?"


def _run(bench: Bench) -> Iterator[Row]:
    chunks = bench.times(1000, 10)
    with tracers(bench) as ways:
        for colour in COLOURS:
            model = StreamingModel(chunks=chunks)
            found = ways.measure(model, _use(colour), colour, rounds=bench.times(30, 1))
            yield from _rows(f"a chunk of {chunks}, {colour}", found, chunks)


def _use(colour: Colour) -> Use:
    if colour == "sync":
        return lambda model, config: sum(1 for _ in model.stream(_QUESTION, config))

    async def stream(model: Any, config: Any) -> int:
        return sum([1 async for _ in model.astream(_QUESTION, config)])

    return stream


def _rows(case: str, found: Mapping[str, Traced], chunks: int) -> Iterator[Row]:
    if OFFICIAL not in found:
        yield skipped(case, "us")
    bare = found[BARE].series
    for name, traced in found.items():
        if name == BARE:
            continue
        cpu = ratio(traced.series, bare, "cpu")
        medians = [series.median("cpu") / chunks * 1e6 for series in (bare, traced.series)]
        yield Row(
            case=f"{case}: {name}",
            value=cpu.added / chunks * 1e6,
            minima=(traced.series.least("cpu") - bare.least("cpu")) / chunks * 1e6,
            unit="us",
            target=None if name == OFFICIAL else _LIMIT,
            detail=f"{medians[0]:.1f} -> {medians[1]:.1f} us, {traced.said}",
            more={"bare_us": medians[0], "traced_us": medians[1], "ratio": cpu.paired},
        )


CHUNK = Benchmark(
    name="chunk",
    title="CPU that a chunk of a streamed answer takes more than without anything",
    run=_run,
)
