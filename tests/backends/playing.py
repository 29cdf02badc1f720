"""Attempts of tests/backends/program.py in processes of their own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from langchain_durable import Durable
from tests.backends.program import Job

_numbers = itertools.count(1)


class Attempt:
    """A process that works on a job."""

    def __init__(self, job: Job, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.backends.program", job.to_json()],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hold(self) -> None:
        """Wait until it waits in the tool of ``Job.hold``."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._words()
        assert json.loads(line)["said"] == "held"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def finish(self, timeout: float = 120.0) -> dict[str, Any]:
        """What it said at its end; ``stderr`` is what it logged."""
        out, err = self._process.communicate(timeout=timeout)
        assert self._process.returncode == 0, err
        said: dict[str, Any] = json.loads(out.splitlines()[-1])
        return {**said, "stderr": err}

    def _words(self) -> str:
        return self._process.communicate()[1]


class Stage:
    """Makes jobs for one test: a journal's prefix and a service's name of its own."""

    def __init__(self, journal: str, models: str, endpoint: str) -> None:
        number = next(_numbers)
        self.job = Job(
            run_id="order-1042",
            service=f"shop-{os.getpid()}-{number}",
            models=models,
            journal=journal,
            prefix=f"b{number}",
            endpoint=endpoint,
        )

    def start(self, **changes: Any) -> Attempt:
        """Start an attempt; ``environment`` is the process's, the rest the job's."""
        environment = changes.pop("environment", {})
        return Attempt(replace(self.job, **changes), **environment)

    def run(self, **changes: Any) -> dict[str, Any]:
        """An attempt to its end."""
        return self.start(**changes).finish()

    def kill_in(self, tool: str, *, after: float = 0.0) -> None:
        """An attempt that is killed in a tool, ``after`` so many seconds for its exporters."""
        attempt = self.start(hold=tool)
        attempt.hold()
        time.sleep(after)
        attempt.kill()

    def durable(self) -> Durable:
        """A handle on the journal of this test; close it."""
        return Durable(self.job.journal, prefix=self.job.prefix)

    def trace_id(self, run_id: str = "") -> str:
        """The trace of a run."""
        with self.durable() as durable:
            header = durable.header(run_id or self.job.run_id)
        return header.fields["trace"].decode()


def export(stage: Stage, endpoint: str) -> int:
    """`langchain-durable export` of the run; gives how many spans it has sent."""
    job = stage.job
    options = ["--url", job.journal, "--prefix", job.prefix, "--endpoint", endpoint, "--json"]
    said = subprocess.run(
        [sys.executable, "-m", "langchain_durable.cli", "export", job.run_id, *options],
        env={**os.environ, "OTEL_SERVICE_NAME": job.service},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return int(json.loads(said.stdout)["spans"])
