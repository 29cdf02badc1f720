"""Function calls of a run with us and without: exact, where a busy machine's times are not."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.bench import Bench, Benchmark
from benchmarks.programs import InstantModel, agent, agent_input, chain, chain_input
from benchmarks.row import Row
from langchain_durable import Durable

_WARM = 5
_numbers = itertools.count(1)


def _run(bench: Bench) -> Iterator[Row]:
    runs = bench.times(20, 2)
    programs: tuple[tuple[str, Any, Any], ...] = (
        ("chain", chain(InstantModel()), chain_input()),
        ("agent", agent(InstantModel()), agent_input()),
    )
    for name, program, inputs in programs:
        bare = _calls(partial(program.invoke, inputs), runs)
        for where, url in (("in memory", "memory://"), ("on Valkey", bench.tcp)):
            with Durable(url) as durable:
                made = _calls(partial(_durably, durable, durable.wrap(program), inputs), runs)
            yield Row(
                case=f"{name}, instant model, short, sync, {where}",
                value=made / bare,
                unit="x",
                target=None,
                detail=f"{bare:.0f} -> {made:.0f} calls, +{made - bare:.0f}",
                more={"bare": bare, "ours": made},
            )


def _durably(durable: Durable, wrapped: Any, inputs: Any) -> Any:
    return wrapped.invoke(inputs, durable.config(f"calls-{next(_numbers)}"))


def _calls(run: Callable[[], Any], runs: int) -> float:
    """The calls of Python and of C functions that one run makes, in all threads that it starts."""
    made = itertools.count()

    def count(frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            next(made)

    for _ in range(_WARM):
        run()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        for _ in range(runs):
            run()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return next(made) / runs


CALLS = Benchmark(
    name="calls",
    title="Function calls of a chain (3 model calls) and an agent (3 model, 3 tool calls)",
    run=_run,
)
