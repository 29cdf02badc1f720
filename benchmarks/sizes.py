"""Bytes that a step sends, counted at a proxy, and the memory that a run's journal takes.

A step's overhead is all that it sends, start record and protocol included, less the
encoded payloads (a model's answer; a tool's arguments and its result).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel

from benchmarks.bench import Bench, Benchmark
from benchmarks.programs import InstantModel, agent, agent_input, noise
from benchmarks.row import Row, Target
from benchmarks.wire import Sent, Wire, wired
from langchain_durable import Durable
from langchain_durable.events import Entry, StepEnded, StepKind, StepStarted
from langchain_durable.store.keys import Keys

_LIMIT = Target(512)
_DRIFT = Target(16)
"""Bytes by which steps 10 and 500 may differ: their numbers have more digits."""
RUN = "the-run-of-an-ordinary-length-0001"


def _run(bench: Bench) -> Iterator[Row]:
    last = bench.times(500, 20)
    with wired(bench.server.port) as wire, Durable(wire.url) as durable:
        mark = len(wire.sent)
        with durable.run(f"{RUN}-block"):
            model: BaseChatModel = InstantModel(answer=noise(4096, random.Random(3)))
            for number in range(last):
                model.invoke(f"question {number}")
        yield from _of_run(bench, durable, wire, mark, "run() block, 4 KB answers", "block", last)
        mark = len(wire.sent)
        _long_agent(durable, last)
        yield from _of_run(bench, durable, wire, mark, "agent in a loop", "agent", last)


def _long_agent(durable: Durable, steps: int) -> None:
    """An agent that calls its tool in every turn, so its messages grow all the time."""
    wrapped = durable.wrap(agent(InstantModel(turns=steps // 2)))
    config: Any = {**durable.config(f"{RUN}-agent"), "recursion_limit": 10 * steps}
    wrapped.invoke(agent_input(), config)


def _of_run(
    bench: Bench, durable: Durable, wire: Wire, mark: int, case: str, name: str, last: int
) -> Iterator[Row]:
    run_id = f"{RUN}-{name}"
    entries = durable.events(run_id)
    appends = _appends(wire.since(mark), Keys().meta(run_id))
    for kind in StepKind:
        steps = _steps(entries, kind)
        if steps:
            # Steps of both kinds take turns in the agent; the pair that step 10 is in counts.
            early, late = (steps[_place(steps, entries, n)] for n in (10, last - 1))
            yield from _overheads(f"{case}, {kind.value} step", early, late, appends, last)
    keys = Keys()
    client = bench.server.client()
    used = client.memory_usage(keys.journal(run_id), samples=0) or 0
    header = client.memory_usage(keys.meta(run_id), samples=0) or 0
    client.close()
    count = sum(isinstance(entry.event, StepEnded) for entry in entries)
    payloads = sum(len(entry.payload or b"") for entry in entries) / count
    yield Row(
        case=f"{case}: MEMORY USAGE of the journal",
        value=used / count,
        unit="B/step",
        detail=f"payloads, result included: {payloads:.0f} B/step; header: {header} B a run",
    )


def _steps(entries: Sequence[Entry], kind: StepKind) -> list[list[Entry]]:
    """The start and end entries of each step of a kind, in order."""
    started: dict[bytes, list[Entry]] = {}
    for entry in entries:
        if isinstance(entry.event, StepStarted) and entry.event.kind is kind:
            started[entry.event.step] = [entry]
        elif isinstance(entry.event, StepEnded) and entry.event.step in started:
            started[entry.event.step].append(entry)
    return list(started.values())


def _place(steps: Sequence[Sequence[Entry]], entries: Sequence[Entry], number: int) -> int:
    """Which of a kind's steps is nearest to the run's step of this number."""
    order = [entry.seq for entry in entries if isinstance(entry.event, StepStarted)]
    wanted = order[min(number, len(order)) - 1]
    return min(range(len(steps)), key=lambda at: abs(steps[at][0].seq - wanted))


def _overheads(
    case: str,
    early: Sequence[Entry],
    late: Sequence[Entry],
    appends: Mapping[int, int],
    last: int,
) -> Iterator[Row]:
    first, second = _overhead(early, appends), _overhead(late, appends)
    for number, overhead, step in ((10, first, early), (last, second, late)):
        payload = sum(len(entry.payload or b"") for entry in step)
        yield Row(
            case=f"{case} {number}: sent beyond the payload",
            value=overhead,
            unit="B",
            target=_LIMIT,
            detail=f"payload {payload} B, {len(step)} records",
        )
    yield Row(
        case=f"{case}: {last} against 10",
        value=abs(second - first),
        unit="B",
        target=_DRIFT,
        detail="equal but for the digits of its numbers",
    )


def _overhead(step: Sequence[Entry], appends: Mapping[int, int]) -> int:
    return sum(appends[entry.seq] - len(entry.payload or b"") for entry in step)


def _appends(sent: Sequence[Sent], meta: str) -> dict[int, int]:
    """Bytes on the wire of each append to a run, by the sequence number that it carries."""
    found: dict[int, int] = {}
    for command in sent:
        words = command.words
        if command.name == "EVALSHA" and words[2] == b"1" and words[3] == meta.encode():
            place = words[4][3:]  # after the fence
            if place.isdigit():  # no renewal, and no close
                found[int(place)] = command.size
    return found


BYTES = Benchmark(name="bytes", title="Bytes sent per step, and memory", run=_run)
