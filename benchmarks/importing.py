"""What ``import langchain_durable`` adds to a program that uses LangChain anyway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.bench import Bench, Benchmark
from benchmarks.row import Row

_MARK = "== from here on =="

_CORE = """
import json, sys
import langchain_durable
print(json.dumps(sorted(n for n in sys.modules if n.partition(".")[0] == "langchain_core")))
"""

_TIMED = """
import importlib, json, sys, time
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
cpu, wall = time.process_time(), time.perf_counter()
import langchain_durable
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""

_TRACED = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(sys.argv[2], file=sys.stderr, flush=True)
import langchain_durable
"""


def _run(bench: Bench) -> Iterator[Row]:
    core: list[str] = json.loads(_python("-c", _CORE).stdout)
    agents = [*core, "langchain.agents"]
    repeats = bench.times(11, 1)
    for case, known in (
        ("with nothing imported before", []),
        ("beyond the modules of langchain_core that it needs", core),
        ("beyond those and langchain.agents", agents),
    ):
        found = [
            json.loads(_python("-c", _TIMED, json.dumps(known)).stdout) for _ in range(repeats)
        ]
        yield Row(
            case=f"import langchain_durable, {case}",
            value=median(wall for wall, _ in found) * 1e3,
            minima=min(wall for wall, _ in found) * 1e3,
            unit="ms",
            detail=f"CPU {median(cpu for _, cpu in found) * 1e3:.0f} ms",
        )
    for package, micros in _costs(core).most_common(10):
        yield Row(case=f"of that beyond langchain_core: {package}", value=micros / 1e3, unit="ms")


def _costs(known: Sequence[str]) -> Counter[str]:
    """Microseconds of import by top-level package, as ``-X importtime`` sees them."""
    traced = _python("-X", "importtime", "-c", _TRACED, json.dumps(known), _MARK).stderr
    costs: Counter[str] = Counter()
    lines = traced.partition(_MARK)[2].splitlines()
    for line in (line for line in lines if line.startswith("import time:")):
        own, _, name = line.removeprefix("import time:").split("|")
        costs[name.strip().partition(".")[0]] += int(own)
    return costs


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


IMPORT = Benchmark(name="import", title="import langchain_durable", run=_run)
