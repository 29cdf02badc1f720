"""What ``import langchain_durable`` adds to a program that uses LangChain anyway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench, Benchmark
from benchmarks.row import Row

_MARK = "== from here on =="

_CORE = """
import json, sys
from langchain_durable import Durable
print(json.dumps(sorted(n for n in sys.modules if n.partition(".")[0] == "langchain_core")))
"""

_TIMED = """
import importlib, json, sys, time
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
cpu, wall = time.process_time(), time.perf_counter()
from langchain_durable import Durable
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""

_OPENED = """
import importlib, json, sys, time
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
from langchain_durable import Durable
cpu, wall = time.process_time(), time.perf_counter()
Durable("redis://127.0.0.1:1/0").connector.connect()  # a connection is made by the first run
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""

_TRACED = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(sys.argv[2], file=sys.stderr, flush=True)
from langchain_durable import Durable
"""


def _run(bench: Bench) -> Iterator[Row]:
    python = _Python(None if bench.quick else bench.directory / "bytecode")
    core: list[str] = json.loads(python.run("-c", _CORE).stdout)
    agents = [*core, "langchain.agents"]
    repeats = bench.times(11, 1)
    for case, script, known in (
        ("importing Durable, with nothing imported before", _TIMED, []),
        ("importing Durable, beyond the langchain_core that it needs", _TIMED, core),
        ("importing Durable, beyond those and langchain.agents", _TIMED, agents),
        ("opening the store, which imports redis, beyond all that", _OPENED, agents),
    ):
        call = ("-c", script, json.dumps(known))
        python.run(*call)
        found = [json.loads(python.run(*call).stdout) for _ in range(repeats)]
        yield Row(
            case=case,
            value=median(wall for wall, _ in found) * 1e3,
            minima=min(wall for wall, _ in found) * 1e3,
            unit="ms",
            detail=f"CPU {median(cpu for _, cpu in found) * 1e3:.0f} ms",
        )
    traced = python.run("-X", "importtime", "-c", _TRACED, json.dumps(core), _MARK).stderr
    for name, micros in _costs(traced).most_common(10):
        yield Row(case=f"of that beyond langchain_core: {name}", value=micros / 1e3, unit="ms")


def _costs(traced: str) -> Counter[str]:
    """Microseconds of import as ``-X importtime`` sees them: of each of our own modules, and
    of each other package as a whole."""
    costs: Counter[str] = Counter()
    lines = traced.partition(_MARK)[2].splitlines()
    for line in (line for line in lines if line.startswith("import time:")):
        own, _, name = line.removeprefix("import time:").split("|")
        package = name.strip().partition(".")[0]
        costs[name.strip() if package == "langchain_durable" else package] += int(own)
    return costs


class _Python:
    """Runs new interpreters. Given a directory, they find bytecode in it, as those that have
    the package installed do, also where a checkout is not allowed to keep any."""

    def __init__(self, bytecode: Path | None) -> None:
        self._environment = dict(os.environ)
        if bytecode is not None:
            self._environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
            self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )


IMPORT = Benchmark(name="import", title="import langchain_durable", run=_run)
