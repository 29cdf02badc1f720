"""Programs with us and without: CPU time of the client's process, in all its threads."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from benchmarks.bench import Bench, Benchmark
from benchmarks.cpu_row import cpu_row
from benchmarks.measure import Series, Side, in_turns
from benchmarks.programs import (
    KEY,
    RULES,
    InstantModel,
    Program,
    agent,
    agent_input,
    chain,
    chain_input,
    messages_of_history,
    openai_model,
)
from benchmarks.row import Row, Target
from langchain_durable import Durable
from langchain_durable.intercept.install import install, uninstall
from langchain_durable.testing.openai_server import ScriptedOpenAI
from langchain_durable.waiting import Procedure, adrive, drive

Which = Literal["chain", "agent"]
MakeModel = Callable[[Which], BaseChatModel]
_SETTLE = 0.001
_INSTANT: Mapping[Which, Target] = {"chain": Target(2.0), "agent": Target(1.4)}
_OPENAI: Mapping[Which, Target] = {"chain": Target(1.15), "agent": Target(1.15)}
_HISTORIES = {"short": [], "101 messages": messages_of_history()}
_PROGRAMS: tuple[Which, ...] = ("chain", "agent")
_numbers = itertools.count(1)


def _run(bench: Bench) -> Iterator[Row]:
    # One event loop for all: langchain-openai keeps its async client over loops that end.
    with (
        ScriptedOpenAI(RULES) as server,
        Durable(bench.tcp) as durable,
        asyncio.Runner() as loop,
    ):

        def openai(which: Which) -> BaseChatModel:
            server.forget(KEY)
            return openai_model(server.url, which)

        models: tuple[tuple[str, MakeModel, Mapping[Which, Target]], ...] = (
            ("instant model", lambda which: InstantModel(), _INSTANT),
            ("ChatOpenAI", openai, _OPENAI),
        )
        for name, make, targets in models:
            for which, history in itertools.product(_PROGRAMS, _HISTORIES):
                rounds = bench.times(_rounds(name, history), 1)
                program = _program(make, which, _HISTORIES[history])
                for way, found in _both_ways(durable, loop, program, rounds):
                    case = f"{which}, {name}, {history}, {way}"
                    yield cpu_row(case, found["ours"], found["bare"], targets[which])
        yield _control(bench, durable)


def _rounds(model: str, history: str) -> int:
    if model == "instant model":
        return 200
    return 100 if history == "short" else 40


def _both_ways(
    durable: Durable, loop: asyncio.Runner, program: tuple[Program, Any], rounds: int
) -> Iterator[tuple[str, dict[str, Series]]]:
    bare, inputs = program
    wrapped = durable.wrap(bare)
    warmup = rounds // 10

    def turns(ours: Any, theirs: Any) -> Procedure[dict[str, Series]]:
        sides = _sides(durable, theirs, ours, inputs)
        return in_turns(sides, rounds=rounds, warmup=warmup, settle=_SETTLE)

    yield "sync", drive(turns(wrapped.invoke, bare.invoke))
    yield "async", loop.run(adrive(turns(wrapped.ainvoke, bare.ainvoke)))


def _program(make: MakeModel, which: Which, history: Sequence[BaseMessage]) -> tuple[Program, Any]:
    if which == "chain":
        return chain(make(which), history), chain_input(history)
    return agent(make(which)), agent_input(history)


def _sides(durable: Durable, bare: Any, wrapped: Any, inputs: Any) -> dict[str, Side]:
    return {
        "bare": lambda: bare(inputs),
        "ours": lambda: wrapped(inputs, durable.config(f"overhead-{next(_numbers)}")),
    }


def _control(bench: Bench, durable: Durable) -> Row:
    """The agent without us, in a process where interception is installed or not: what the
    sides called "bare" above would have been spared without us in their process."""
    program, inputs = _program(lambda which: InstantModel(), "agent", [])

    def prepare(side: str) -> None:
        switch = install if side == "ours" else uninstall
        switch()
        program.invoke(inputs)  # the first call wraps the classes

    sides: dict[str, Side] = dict.fromkeys(("bare", "ours"), lambda: program.invoke(inputs))
    turns = in_turns(sides, rounds=bench.times(200, 2), warmup=bench.times(10, 1), before=prepare)
    found = drive(turns)
    install()
    case = "control: bare agent, interception installed / removed"
    return cpu_row(case, found["ours"], found["bare"], None)


OVERHEAD = Benchmark(
    name="overhead",
    title="CPU of a chain (3 model calls) and an agent (3 model, 3 tool calls), with us / without",
    run=_run,
)
