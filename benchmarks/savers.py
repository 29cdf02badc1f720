"""What checkpointers write, apart from the journal: an injected one, and our RedisSaver."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.bench import Bench, Benchmark
from benchmarks.programs import InstantModel, Program, agent, agent_input
from benchmarks.row import Row, Target
from benchmarks.wire import Sent, Wire, wired
from langchain_durable import Durable
from langchain_durable.saver import RedisSaver


def _run(bench: Bench) -> Iterator[Row]:
    runs = bench.times(20, 2)
    with (
        wired(bench.server.port) as wire,
        wired(bench.server.port) as savers,
        Durable(wire.url) as durable,
    ):
        injected = durable.wrap(agent(InstantModel()))
        journal = _sent(wire, injected, durable, runs)
        own_connections = {command.connection for command in journal if _is_journal(command)}
        inject = [command for command in journal if command.connection not in own_connections]
        yield _row("journal of an agent run (6 steps), saver injected", journal, runs)
        yield _row("injected saver, a run that completes", inject, runs, Target(0))
        with RedisSaver(savers.url) as saver:
            plain = agent(InstantModel(), checkpointer=saver)
            yield _row("own RedisSaver, without us", _sent(savers, plain, None, runs), runs)
            wrapped = durable.wrap(plain)
            yield _row("own RedisSaver, with us", _sent(savers, wrapped, durable, runs), runs)


def _is_journal(command: Sent) -> bool:
    return command.name == "ZADD"


def _sent(wire: Wire, program: Program, durable: Durable | None, runs: int) -> list[Sent]:
    """The commands of some fresh runs, each on a thread of its own, after one to warm up."""
    mark = 0
    for number in range(runs + 1):
        if number == 1:
            mark = len(wire.sent)
        config: Any = {"configurable": {"thread_id": uuid.uuid4().hex}}
        if durable is not None:
            config["configurable"].update(durable.config()["configurable"])
        program.invoke(agent_input(), config)
    return wire.since(mark)


def _row(case: str, sent: Sequence[Sent], runs: int, target: Target | None = None) -> Row:
    return Row(
        case=case,
        value=sum(command.size for command in sent) / runs,
        unit="B/run",
        target=target,
        detail=f"{len(sent) / runs:g} commands a run",
    )


SAVER = Benchmark(name="saver", title="Writes of checkpointers, a run of 3 + 3 steps", run=_run)
