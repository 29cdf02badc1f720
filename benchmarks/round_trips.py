"""How many round trips a step waits for, and what a fresh run reads, seen from the wire.

A proxy holds every reply back for a fixed time, which dwarfs all else: the time that a
step takes, in units of that delay, is the number of replies that it waited for. A step that
waits for two in a row cannot take less than two delays, so the fastest of some steps tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks.bench import Bench, Benchmark
from benchmarks.measure import in_turns
from benchmarks.programs import InstantModel, add_tool, agent, agent_input
from benchmarks.row import Row, Target
from benchmarks.wire import Sent, Wire, wired
from langchain_durable import Durable
from langchain_durable.waiting import adrive, drive

_DELAY = 0.03
_WRITES = {"EVALSHA", "ZADD", "ZREM", "ZREMRANGEBYSCORE"}
"""Commands that append, or tell the indexes. Everything else would be a read."""
_READS = ("xrange", "xrevrange", "xread", "xlen", "get", "mget", "hget", "hgetall", "exists")


def _run(bench: Bench) -> Iterator[Row]:
    with wired(bench.server.port) as wire, Durable(wire.url) as durable:
        wire.delay = _DELAY
        yield from _round_trips(bench, durable)
        wire.delay = 0.0
        yield from _reads(bench, durable, wire)


def _round_trips(bench: Bench, durable: Durable) -> Iterator[Row]:
    model, tool = InstantModel(), add_tool()
    arguments = {"left": 1, "right": 2}
    steps = bench.times(40, 6)
    cases: Sequence[tuple[str, float, Callable[[], Any]]] = (
        ("a model step", 1.0, lambda: model.invoke("add")),
        ("a tool step (its intent is durable first)", 2.0, lambda: tool.invoke(arguments)),
    )
    for case, wanted, call in cases:
        with durable.run():
            yield _trips(f"{case}, sync", wanted, _delays(call, steps))
    asynchronous: Sequence[tuple[str, float, Callable[[], Any]]] = (
        ("a model step", 1.0, lambda: model.ainvoke("add")),
        ("a tool step (its intent is durable first)", 2.0, lambda: tool.ainvoke(arguments)),
    )
    for case, wanted, call in asynchronous:
        yield _trips(f"{case}, async", wanted, asyncio.run(_adelays(durable, call, steps)))
    # What the run before has left unawaited holds up most of them: the least needs many.
    rest = _delays(lambda: _empty(durable), bench.times(20, 20))
    yield _trips("all else of a run (taking it, giving it back)", 2.0, rest)


def _empty(durable: Durable) -> None:
    with durable.run():
        pass


def _trips(case: str, wanted: float, found: Sequence[float]) -> Row:
    return Row(
        case=f"awaited by {case}",
        value=int(min(found)),
        unit="round trips",
        target=Target(wanted),
        detail=f"at least {min(found):.2f} delays of {_DELAY * 1000:.0f} ms, "
        f"{median(found):.2f} in the median",
    )


def _delays(call: Callable[[], Any], count: int) -> list[float]:
    """How many delays each of some calls took, after one to warm up."""
    turns = in_turns({"it": call}, rounds=count, warmup=1)
    return [seconds / _DELAY for seconds in drive(turns)["it"].seconds("wall")]


async def _adelays(durable: Durable, call: Callable[[], Any], count: int) -> list[float]:
    turns = in_turns({"it": call}, rounds=count, warmup=1)
    async with durable.run():
        return [seconds / _DELAY for seconds in (await adrive(turns))["it"].seconds("wall")]


def _reads(bench: Bench, durable: Durable, wire: Wire) -> Iterator[Row]:
    runs = bench.times(20, 2)
    wrapped = durable.wrap(agent(InstantModel()))
    wrapped.invoke(agent_input(), durable.config())
    mark, received = len(wire.sent), wire.received
    for _ in range(runs):
        wrapped.invoke(agent_input(), durable.config())
    sent = wire.since(mark)
    yield Row(
        case="commands of a fresh agent run (6 steps) that are not writes",
        value=sum(command.name not in _WRITES for command in sent) / runs,
        unit="commands",
        target=Target(0),
        detail=_names(sent, runs),
    )
    yield Row(
        case="received by a fresh agent run (6 steps)",
        value=(wire.received - received) / runs,
        unit="B",
        detail="acknowledgements: nothing that was written comes back",
    )
    yield _server_side(bench, durable)


def _server_side(bench: Bench, durable: Durable) -> Row:
    """What the server counts while steps are made in a run that has been taken."""
    model, steps = InstantModel(), bench.times(50, 3)
    with bench.server.client() as client, durable.run():
        model.invoke("add")
        client.config_resetstat()
        for _ in range(steps):
            model.invoke("add")
        stats = client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}
    told = ", ".join(f"{count / steps:g} {name}" for name, count in sorted(calls.items()))
    return Row(
        case="reads in the server's commandstats, a model step",
        value=sum(calls.get(name, 0) for name in _READS) / steps,
        unit="commands",
        target=Target(0),
        detail=f"{told} a step; the hmget is the append script's own look at the fence",
    )


def _names(sent: Sequence[Sent], runs: int) -> str:
    names = sorted({command.name for command in sent})
    return ", ".join(f"{sum(c.name == n for c in sent) / runs:g} {n}" for n in names) + " a run"


ROUND_TRIPS = Benchmark(
    name="round-trips",
    title="Round trips that are waited for, and reads, counted at a proxy",
    run=_run,
)
