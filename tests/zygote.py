"""A process that has imported what programs and commands import, and forks one for each.

A program then starts in a tenth of a second, where ``python program.py`` takes three. It runs
as ``__main__``, with its own arguments, environment, directory and output.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_durable.testing.preload import LATE, all_of

ROOT = Path(__file__).parents[1]

HEAVY = (
    "langchain.agents",
    "langchain.agents.middleware",
    "langchain_openai",
    "langgraph.graph",
    "openai.resources.chat",
)


@dataclass(frozen=True, slots=True)
class Forked:
    """A program that was started: ended by ``kill``, waited for with ``wait``."""

    zygote: Zygote
    pid: int
    directory: Path

    def kill(self) -> None:
        """SIGKILL it; it must not have been waited for."""
        os.kill(self.pid, 9)

    def wait(self) -> int:
        """Its exit status as ``subprocess`` gives it: negative for a signal."""
        return int(self.zygote.ask({"wait": self.pid}))

    def said(self) -> str:
        """What it has written to stdout so far."""
        return (self.directory / "stdout").read_text(encoding="utf-8")

    def complained(self) -> str:
        """What it has written to stderr so far."""
        return (self.directory / "stderr").read_text(encoding="utf-8")


class Zygote:
    """The handle on the process, which ends with this one."""

    def __init__(self) -> None:
        paths = [str(ROOT), str(ROOT / "examples")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.communicate)

    def ask(self, job: dict[str, Any]) -> Any:
        """Send one line, and read one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(
        self, argv: list[str], *, module: bool, directory: Path, output: Path, env: dict[str, str]
    ) -> Forked:
        """Start a program in a directory; its stdout and stderr go to files in ``output``."""
        output.mkdir(exist_ok=True)
        job = {"argv": argv, "module": module, "cwd": str(directory), "env": env}
        return Forked(self, self.ask({**job, "output": str(output)}), output)


@dataclass(frozen=True, slots=True)
class Said:
    """What a program printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def run(
    argv: list[str],
    *,
    module: bool = False,
    directory: Path = ROOT,
    env: dict[str, str] | None = None,
) -> Said:
    """Run a program to its end, in this process's environment if none is given."""
    given = dict(os.environ) if env is None else env
    with tempfile.TemporaryDirectory() as output:
        child = zygote().start(
            argv, module=module, directory=directory, output=Path(output), env=given
        )
        return Said(child.wait(), child.said(), child.complained())


@functools.cache
def zygote() -> Zygote:
    """The one of this process, started when it is needed first."""
    return Zygote()


def main() -> None:
    for name in (*HEAVY, *LATE, *all_of("langchain_durable")):
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        job = json.loads(line)
        if "wait" in job:
            print(os.waitstatus_to_exitcode(os.waitpid(job["wait"], 0)[1]), flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            _become(job)
            return


def _become(job: dict[str, Any]) -> None:
    """Run the job's program in this process, which ends as the program does."""
    for number, name in ((0, os.devnull), (1, f"{job['output']}/stdout")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
    os.dup2(os.open(f"{job['output']}/stderr", os.O_RDWR | os.O_CREAT, 0o600), 2)
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.argv = job["argv"]
    if job["module"]:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
