"""Spans and prices beside the spans of the official instrumentor: CPU time, as ratios to bare."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from benchmarks.bench import Bench, Benchmark
from benchmarks.cpu_row import cpu_row
from benchmarks.measure import ratio
from benchmarks.programs import (
    PricedModel,
    Program,
    agent,
    agent_input,
    chain,
    chain_input,
    messages_of_history,
)
from benchmarks.row import Row, Target
from benchmarks.tracers import (
    BARE,
    COLOURS,
    DURABLE,
    OBSERVED,
    OFFICIAL,
    Colour,
    Traced,
    Use,
    skipped,
    tracers,
)

_OF_OFFICIAL = {OBSERVED: 1.0, **dict.fromkeys(DURABLE, 1.2)}
"""How much of the official instrumentor's CPU time a run may take."""
_HISTORIES: Mapping[str, Sequence[BaseMessage]] = {
    "short": (),
    "101 messages": messages_of_history(),
}


def _run(bench: Bench) -> Iterator[Row]:
    with tracers(bench) as ways:
        for which, history, colour in itertools.product(("chain", "agent"), _HISTORIES, COLOURS):
            program, inputs = _program(which, _HISTORIES[history])
            found = ways.measure(program, _use(inputs, colour), colour, rounds=bench.times(100, 1))
            yield from _rows(f"{which}, {history}, {colour}", found)


def _program(which: str, history: Sequence[BaseMessage]) -> tuple[Program, Any]:
    if which == "chain":
        return chain(PricedModel(), history), chain_input(history)
    return agent(PricedModel()), agent_input(history)


def _use(inputs: Any, colour: Colour) -> Use:
    if colour == "sync":
        return lambda program, config: program.invoke(inputs, config)
    return lambda program, config: program.ainvoke(inputs, config)


def _rows(case: str, found: Mapping[str, Traced]) -> Iterator[Row]:
    official = found.get(OFFICIAL)
    if official is None:
        yield skipped(case, "x")
    else:
        yield _row(case, OFFICIAL, found, None)
    for side, share in _OF_OFFICIAL.items():
        target = None
        if official is not None:
            limit = ratio(official.series, found[BARE].series, "cpu").paired * share
            target = Target(round(limit, 2))
        yield _row(case, side, found, target)


def _row(case: str, side: str, found: Mapping[str, Traced], target: Target | None) -> Row:
    bare, traced, official = found[BARE].series, found[side], found.get(OFFICIAL)
    share = None if official is None else ratio(traced.series, official.series, "cpu").paired
    return cpu_row(
        f"{case}: {side}",
        traced.series,
        bare,
        target,
        said=f", {traced.said}",
        more={"spans": traced.spans, "priced": traced.priced, "of_official": share},
    )


TELEMETRY = Benchmark(
    name="telemetry",
    title="CPU of a run with spans and prices / without anything",
    run=_run,
)
