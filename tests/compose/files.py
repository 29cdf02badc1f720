"""The files that the Compose stack is made of, as data."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs would be one more package for these tests

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
COLLECTOR = ROOT / "collector"
DASHBOARDS = sorted((COLLECTOR / "grafana" / "dashboards").glob("*.json"))
RULES = sorted((COLLECTOR / "rules").glob("*.yml"))
RULE_TESTS = sorted((COLLECTOR / "rules" / "tests").glob("*.yml"))


def read_yaml(path: Path) -> Any:
    """A YAML file, merges included."""
    return yaml.safe_load(path.read_text("utf-8"))


def services() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml, by name."""
    found: dict[str, dict[str, Any]] = read_yaml(COMPOSE)["services"]
    return found


def rules() -> Iterator[dict[str, Any]]:
    """All recording and alerting rules."""
    for path in RULES:
        for group in read_yaml(path)["groups"]:
            yield from group["rules"]


def dashboards() -> dict[str, dict[str, Any]]:
    """The dashboards by the names of their files."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}


def tool(name: str, comes_with: str) -> str:
    """The path of a program. Without it the test is skipped; in CI it fails."""
    found = shutil.which(name)
    if found is not None:
        return found
    reason = f"{name} is not on this machine; it comes with {comes_with}"
    # A bare machine in CI may have no Go, and then builds nothing; promtool is installed there.
    if os.environ.get("CI") == "true" and name != "go":
        pytest.fail(reason)
    pytest.skip(reason)
