"""The real Collector, Jaeger and Prometheus, started once, with the files of ``collector/``.

``scripts/backends`` makes them. Where they are missing these tests are skipped, and in CI, where
they must not be, they fail.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from langchain_durable.demo.scenario import RULES
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI
from tests.backends.backend import Backends, Binaries, start_backends
from tests.backends.playing import Stage
from tests.servers import Server, start_valkey

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "scripts" / "backends"

MakeStage = Callable[..., Stage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.backends)
            item.add_marker(pytest.mark.soak)  # not in a plain pytest


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    said = subprocess.run([SCRIPT, "--print"], capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    missing = [name for name, path in found.items() if path is None]
    if missing:
        reason = f"not on this machine: {', '.join(missing)}. Do: scripts/backends"
        if os.environ.get("CI") == "true" and shutil.which("go"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Binaries(**found)


@pytest.fixture(scope="session")
def backends(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    with start_backends(binaries, tmp_path_factory.mktemp("backends")) as started:
        yield started


@pytest.fixture(scope="session")
def models() -> Iterator[ScriptedOpenAI]:
    quick = [dataclasses.replace(rule, delay=0.02) for rule in RULES]
    with ScriptedOpenAI([*quick, Rule(when="^long", says="short")]) as server:
        yield server


@pytest.fixture(scope="session")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_valkey(tmp_path_factory.mktemp("journal")) as server:
        yield server


@pytest.fixture(scope="session")
def make_stage(journal: Server, models: ScriptedOpenAI, backends: Backends) -> MakeStage:
    """Stages whose programs send to the Collector, or to another endpoint."""

    def make(endpoint: str = "") -> Stage:
        return Stage(journal.url, models.url, endpoint or backends.collector.endpoint)

    return make


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage()
