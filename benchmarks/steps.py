"""One journaled model step of 4 KB beside a bare XADD of its bytes, and beside a DBOS step."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import redis
import redis.asyncio

from benchmarks import dbos_side
from benchmarks.bench import Bench, Benchmark
from benchmarks.measure import Clock, Series, Side, in_turns, ratio
from benchmarks.opened import amodel_step, answer_of, encoded, model_step, open_run
from benchmarks.programs import noise
from benchmarks.row import Row, Target
from langchain_durable import Durable
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.waiting import adrive, drive

_TEXT = noise(4096, random.Random(4))
_ANSWER = answer_of(_TEXT)
_TWICE = Target(2.0)
_TENFOLD = Target(10.0, "at least")


def _run(bench: Bench) -> Iterator[Row]:
    yield from _against_xadd(bench)
    yield from asyncio.run(_against_async_xadd(bench))
    yield from _against_dbos(bench)


def _against_xadd(bench: Bench) -> Iterator[Row]:
    sides: dict[str, Side] = {}
    ways = {"TCP": bench.tcp, "unix socket": bench.unix}
    with ExitStack() as stack:
        for way, url in ways.items():
            attempt = stack.enter_context(open_run(stack.enter_context(Durable(url))))
            client = stack.enter_context(redis.Redis.from_url(url))
            sides[f"ours {way}"] = _step(attempt)
            sides[f"bare {way}"] = _xadd(client, f"bare:{way}", encoded(attempt, _ANSWER))
        size = len(encoded(attempt, _ANSWER))
        turns = in_turns(sides, rounds=bench.times(3000, 5), warmup=bench.times(200, 1))
        found = drive(turns)
    for way in ways:
        case = f"step / XADD of its {size} B, {way}"
        yield from _compared(case, found[f"ours {way}"], found[f"bare {way}"], _TWICE)


def _step(attempt: Attempt) -> Side:
    return lambda: drive(model_step(attempt, _ANSWER))


def _xadd(client: redis.Redis, key: str, payload: bytes) -> Side:
    return lambda: client.xadd(key, {b"p": payload})


async def _against_async_xadd(bench: Bench) -> list[Row]:
    client = redis.asyncio.Redis.from_url(bench.tcp)
    with Durable(bench.tcp) as durable, open_run(durable) as attempt:
        payload = encoded(attempt, _ANSWER)
        sides: dict[str, Side] = {
            "ours": lambda: adrive(amodel_step(attempt, _ANSWER)),
            "bare": lambda: client.xadd("bare:asyncio", {b"p": payload}),
        }
        turns = in_turns(sides, rounds=bench.times(2000, 5), warmup=bench.times(200, 1))
        found = await adrive(turns)
    await client.aclose()
    return list(_compared("async step / redis.asyncio XADD", found["ours"], found["bare"], _TWICE))


def _against_dbos(bench: Bench) -> Iterator[Row]:
    case = "DBOS step on SQLite / step"
    if dbos_side.installed() is None:
        detail = "dbos is not installed: pip install dbos"
        yield Row(case=f"{case}: wall", value=None, unit="x", target=_TENFOLD, detail=detail)
        return
    found: dict[str, Series] = {}
    with Durable(bench.tcp) as durable, open_run(durable) as attempt:

        def body(step: Callable[[], str]) -> None:
            sides: dict[str, Side] = {"dbos": step, "ours": _step(attempt)}
            rounds, warmup = bench.times(40, 1), bench.times(3, 1)
            # Ten at a time: SQLite syncs the disk that our server's file is on as well, and
            # a single step of ours between two of those would measure the disk.
            turns = in_turns(sides, rounds=rounds, warmup=warmup, calls=bench.times(10, 2))
            found.update(drive(turns))

        dbos_side.in_workflow(bench.directory, _TEXT, body)
    yield from _compared(case, found["dbos"], found["ours"], _TENFOLD)


def _compared(case: str, above: Series, below: Series, target: Target) -> Iterator[Row]:
    """Two rows: wall time, which has the target, and CPU time."""
    yield _row(f"{case}: wall", above, below, "wall", target)
    yield _row(f"{case}: CPU", above, below, "cpu", None)


def _row(case: str, above: Series, below: Series, clock: Clock, target: Target | None) -> Row:
    found = ratio(above, below, clock)
    medians = above.median(clock) * 1e6, below.median(clock) * 1e6
    return Row(
        case=case,
        value=found.paired,
        minima=found.minima,
        unit="x",
        target=target,
        detail=f"{medians[0]:.0f} / {medians[1]:.0f} us",
        more={
            "totals": found.totals,
            "median_us": medians,
            "least_us": (above.least(clock) * 1e6, below.least(clock) * 1e6),
        },
    )


STEP = Benchmark(
    name="step",
    title="A journaled model step of 4 KB (start record, encoding, end record)",
    run=_run,
)
