"""Install or build the programs that tests/backends starts: Collector, Jaeger, Prometheus.

The Collector is made of ``collector/builder.yaml``, Jaeger of its own source; both by Go, from
its module proxy. Prometheus is Debian's package, which brings promtool. What is there already
stays. Built programs lie outside of the checkout, in
``${XDG_CACHE_HOME:-~/.cache}/langchain-durable/backends``, a directory for each version.

Where Go, or root for apt-get, is missing, the program is left out, loudly; with ``--require``
that is an error. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MANIFEST = Path(__file__).resolve().parents[1] / "collector" / "builder.yaml"

JAEGER = "v1.76.0"
"""Jaeger tagged this commit v2.13.0 too. Its go.mod has no /v2, so Go's proxy has v1 tags only."""

FLAGS = "-s -w"


class Missing(Exception):
    """What a program needs is not on this machine."""


def cache() -> Path:
    """Where built programs lie."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "langchain-durable" / "backends"


def collector_place() -> Path:
    """The Collector of this manifest."""
    content = MANIFEST.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return cache() / f"otelcol-{collector_version()}-{digest}" / "otelcol"


def collector_version() -> str:
    found = re.search(r"^  version: (\S+)$", MANIFEST.read_text("utf-8"), re.M)
    if found is None:
        sys.exit(f"{MANIFEST} names no version of the Collector")
    return found[1]


def jaeger_place() -> Path:
    return cache() / f"jaeger-{JAEGER}" / "jaeger"


def present() -> dict[str, str | None]:
    """Each program's path, None where there is none."""
    built = {"otelcol": collector_place(), "jaeger": jaeger_place()}
    paths = {name: str(path) if path.exists() else None for name, path in built.items()}
    return paths | {name: shutil.which(name) for name in ("prometheus", "promtool")}


# -- how each is made -------------------------------------------------------------------------


def build_collector() -> None:
    """Have the Collector's own builder of that version make it."""

    def make(work: Path) -> Path:
        # The manifest says what is in it; where it is made is said here.
        text = MANIFEST.read_text("utf-8").replace("dist:\n", f"dist:\n  output_path: {work}/out\n")
        (work / "builder.yaml").write_text(text, "utf-8")
        builder = f"go.opentelemetry.io/collector/cmd/builder@v{collector_version()}"
        command = ["run", builder, "--config", str(work / "builder.yaml"), "--ldflags", FLAGS]
        go(work, *command)
        return work / "out" / "otelcol"

    built(collector_place(), make)


def build_jaeger() -> None:
    """Build it in a copy of its module: the pages of its UI are not in there, its API is."""

    def make(work: Path) -> Path:
        module = f"github.com/jaegertracing/jaeger@{JAEGER}"
        found = json.loads(go(work, "mod", "download", "-json", module))
        source = work / "source"
        shutil.copytree(found["Dir"], source, copy_function=shutil.copyfile)
        for directory, _, _ in os.walk(source):
            os.chmod(directory, 0o755)
        pages = source / "cmd" / "query" / "app" / "ui" / "actual"
        pages.mkdir(exist_ok=True)
        (pages / "none.html").write_text("")  # `go:embed actual/*` wants a file
        go(source, "build", "-trimpath", "-ldflags", FLAGS, "-o", str(work / "jaeger"),
           "./cmd/jaeger")  # fmt: skip
        return work / "jaeger"

    built(jaeger_place(), make)


def install_prometheus() -> None:
    """Install Debian's package, and start nothing."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Missing("root on Debian, or `prometheus` and `promtool` on PATH")
    quiet = {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], env=quiet)
    run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", "prometheus"], env=quiet)


PROGRAMS: dict[str, Callable[[], None]] = {
    "prometheus": install_prometheus,
    "otelcol": build_collector,
    "jaeger": build_jaeger,
}


def built(place: Path, make: Callable[[Path], Path]) -> None:
    """Make a program in a directory beside its own, which then appears in one piece."""
    if place.exists():
        return
    if shutil.which("go") is None:
        raise Missing("Go (https://go.dev/dl)")
    place.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent.parent) as directory:
        binary = make(Path(directory))
        done = Path(directory) / "done"
        done.mkdir()
        binary.rename(done / place.name)
        try:
            done.rename(place.parent)
        except OSError:  # another process was quicker
            if not place.exists():
                raise


def go(where: Path, *arguments: str) -> str:
    """Call Go without C, so that the program runs on any Linux."""
    return run(["go", *arguments], where=where, env={"CGO_ENABLED": "0"})


def run(command: list[str], *, where: Path | None = None, env: Mapping[str, str]) -> str:
    """A command's output; with its last words if it fails."""
    done = subprocess.run(
        command,
        cwd=where,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-4000:]}")
    return done.stdout


# -- the command ------------------------------------------------------------------------------


def provide(name: str) -> str:
    """Make one program; how that went: "ok", "skipped" or "failed"."""
    start = time.monotonic()
    try:
        PROGRAMS[name]()
    except Missing as missing:
        print(f"!! {name}: SKIPPED, it needs {missing}; its tests cannot run", flush=True)
        return "skipped"
    except (RuntimeError, OSError) as failure:
        print(f"!! {name}: FAILED\n{failure}", flush=True)
        return "failed"
    print(f"{name}: {time.monotonic() - start:.0f} s, {present()[name]}", flush=True)
    return "ok"


def main() -> int:
    description, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="scripts/backends",
        description=description,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--require", action="store_true", help="one that is left out is an error")
    parser.add_argument("--print", action="store_true", help="only say where they are, as JSON")
    options = parser.parse_args()
    if options.print:
        print(json.dumps(present()))
        return 0
    with ThreadPoolExecutor(len(PROGRAMS)) as all_at_once:
        words = [*all_at_once.map(provide, PROGRAMS)]
    return int("failed" in words or (options.require and "skipped" in words))


if __name__ == "__main__":
    sys.exit(main())
