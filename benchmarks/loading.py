"""Loading a run of 500 steps: what a resume pays before its first step."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.bench import Bench, Benchmark
from benchmarks.measure import Clock, Series, Side, in_turns
from benchmarks.programs import InstantModel, agent, agent_input, noise
from benchmarks.row import Row, Target
from langchain_durable import Durable
from langchain_durable.codec import decode_entry
from langchain_durable.events import Entry, StepEnded
from langchain_durable.identity.index import Index
from langchain_durable.journal import Record
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.loading import load_index
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import drive

_LIMIT = Target(50.0)


def _run(bench: Bench) -> Iterator[Row]:
    count = bench.times(500, 10)
    with Durable(bench.tcp) as durable:
        yield from _of_run(bench, durable, _block(durable, count), f"{count} model steps of 4 KB")
        yield from _of_run(bench, durable, _agent(durable, count), f"agent run of {count} steps")


def _block(durable: Durable, count: int) -> str:
    model = InstantModel(answer=noise(4096, random.Random(5)))
    with durable.run() as run:
        for number in range(count):
            model.invoke(f"question {number}")
    return run.run_id


def _agent(durable: Durable, count: int) -> str:
    config: Any = {**durable.config("loading"), "recursion_limit": 10 * count}
    durable.wrap(agent(InstantModel(turns=count // 2))).invoke(agent_input(), config)
    return "loading"


def _of_run(bench: Bench, durable: Durable, run_id: str, case: str) -> Iterator[Row]:
    runtime = durable.connector.connect()
    last = durable.header(run_id).seq
    records: Sequence[Record] = runtime.store.load(run_id, limit=last).result()
    entries = [decode_entry(record) for record in records]
    sides: dict[str, Side] = {
        "load": lambda: drive(load_index(runtime, run_id, upto=last)),
        "read": lambda: runtime.store.load(run_id, limit=last).result(),
        "index": lambda: Index([decode_entry(record) for record in records]),
        "decode": _decoder(runtime, run_id, entries),
    }
    found = drive(in_turns(sides, rounds=bench.times(60, 2), warmup=bench.times(5, 1)))
    payloads = sum(len(entry.payload or b"") for entry in entries)
    about = f"{last} records, {payloads / 1e6:.2f} MB of payloads"
    yield _row(f"{case}: read and indexed", found["load"], "wall", _LIMIT, about)
    yield _row(f"{case}: of that, reading", found["read"], "wall")
    yield _row(f"{case}: of that, decoding entries and indexing", found["index"], "cpu")
    yield _row(f"{case}: all payloads decoded, on top", found["decode"], "cpu")


def _decoder(runtime: Runtime, run_id: str, entries: Sequence[Entry]) -> Callable[[], Any]:
    ended = [
        (entry.payload, bind(run_id, entry.event.step))
        for entry in entries
        if isinstance(entry.event, StepEnded) and entry.payload is not None
    ]
    return lambda: [runtime.codec.decode(payload, bind=where) for payload, where in ended]


def _row(
    case: str, series: Series, clock: Clock, target: Target | None = None, about: str = ""
) -> Row:
    return Row(
        case=f"{case} ({'CPU' if clock == 'cpu' else 'wall'})",
        value=series.median(clock) * 1e3,
        minima=series.least(clock) * 1e3,
        unit="ms",
        target=target,
        detail=about,
        more={"cpu_ms": series.median("cpu") * 1e3, "wall_ms": series.median("wall") * 1e3},
    )


LOADING = Benchmark(name="loading", title="Loading a run of 500 steps", run=_run)
