"""A wheel, and the smoke program that is killed and resumed where it is installed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import start_valkey
from tests.wheel.environments import SMOKE, Environment, build_wheel

Smoke = Callable[[Environment], dict[str, Any]]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[str]:
    with start_valkey(tmp_path / "journal") as server:
        yield server.url


@pytest.fixture
def smoke(tmp_path: Path, journal: str) -> Smoke:
    """Run the smoke program until it ends, and check that no finished call was repeated."""
    effects = tmp_path / "effects"

    def run(environment: Environment) -> dict[str, Any]:
        killed = 0
        while True:
            done = environment.run(str(SMOKE), str(effects), journal)
            if done.returncode != -9:
                break
            killed += 1
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert killed == len(said["answers"]), "each program kills itself once"
        assert set(said["answers"].values()) == {"PAID HELLO"}
        for line, count in Counter(effects.read_text().splitlines()).items():
            assert count == 1 + line.endswith("paid HELLO"), line
        return said

    return run
