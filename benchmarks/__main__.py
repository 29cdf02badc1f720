"""``python -m benchmarks``: measure everything side by side, print a table, write JSON."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, report
from benchmarks.bench import Bench, Benchmark
from benchmarks.calls import CALLS
from benchmarks.chunks import CHUNK
from benchmarks.importing import IMPORT
from benchmarks.loading import LOADING
from benchmarks.overhead import OVERHEAD
from benchmarks.round_trips import ROUND_TRIPS
from benchmarks.row import Row
from benchmarks.savers import SAVER
from benchmarks.sizes import BYTES
from benchmarks.steps import STEP
from benchmarks.telemetry import TELEMETRY
from benchmarks.waits import WAITS
from tests.servers import Server, valkey_binary

ALL: Sequence[Benchmark] = (
    STEP,
    ROUND_TRIPS,
    BYTES,
    SAVER,
    OVERHEAD,
    WAITS,
    CALLS,
    TELEMETRY,
    CHUNK,
    LOADING,
    IMPORT,
)
_RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were asked for. 0, also where a target is missed."""
    options = _parser().parse_args(arguments)
    chosen = [each for each in ALL if not options.only or each.name in options.only]
    found: dict[str, list[Row]] = {}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        server = Server(
            options.server or valkey_binary(), directory / "server", tcp=True, options=()
        )
        stack.callback(server.stop)
        server.start()
        with server.client() as client:
            about = machine.described(client)
        about["load before"] = machine.load()
        for name, value in about.items():
            print(f"{name + ':':13}{value}")
        print()
        bench = Bench(server=server, directory=directory, quick=options.quick)
        for benchmark in chosen:
            found[benchmark.name] = list(benchmark.run(bench))
            print(report.table(benchmark, found[benchmark.name]), flush=True)
    about["load after"] = machine.load()
    print(f"load after:  {about['load after']}")
    print(report.summary(found))
    _write(options.json or _default(), report.document(about, found, quick=options.quick))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [benchmark.name for benchmark in ALL]
    parser.add_argument("--only", action="append", choices=names, help="may be given again")
    parser.add_argument("--quick", action="store_true", help="a few rounds: does it work?")
    parser.add_argument("--json", type=Path, help="where to write (default: benchmarks/results/)")
    parser.add_argument("--server", type=shutil.which, help="redis-server or valkey-server to use")
    return parser


def _default() -> Path:
    return _RESULTS / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"


def _write(path: Path, document: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    sys.exit(main())
