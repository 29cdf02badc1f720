"""``up``: how the Compose stack is started, and where its pages are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.zygote import ROOT

COMPOSE = ROOT / "docker-compose.yml"


def docker(directory: Path, *, compose: bool) -> str:
    """A PATH with a ``docker`` that has Compose, or that has not and says so as it does."""
    directory.mkdir()
    program = directory / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >> {directory}/calls\nexit {int(not compose)}\n')
    program.chmod(0o755)
    return str(directory)


@pytest.fixture
def here(tmp_path: Path) -> Cli:
    """The command line in an empty directory, without a journal."""
    place = tmp_path / "here"
    place.mkdir()
    return Cli(place, "")


def test_the_commands_and_the_pages_are_printed_and_nothing_is_started(
    here: Cli, tmp_path: Path
) -> None:
    said = here("up", PATH=docker(tmp_path / "bin", compose=True), COLUMNS="60")

    assert (said.code, said.err) == (0, "")
    assert f"docker compose -f {COMPOSE} up -d --build\n" in said.out, "whole, however narrow"
    for page in ("http://localhost:16686", "http://localhost:9090", "http://localhost:3000"):
        assert page in said.out
    assert "export LANGCHAIN_DURABLE_URL=redis://localhost:6379/0\n" in said.out
    assert (tmp_path / "bin" / "calls").read_text() == "compose version\n"


def test_json_has_the_same(here: Cli, tmp_path: Path) -> None:
    path = docker(tmp_path / "bin", compose=True)
    shown = here("up", "--json", PATH=path, GRAFANA_PORT="3001", REDIS_PORT="6380").json()

    assert shown["ok"] is True
    assert shown["missing"] is None
    assert shown["file"] == str(COMPOSE)
    start = ["docker", "compose", "-f", str(COMPOSE), "up", "-d", "--build"]
    assert shown["commands"]["start"] == start
    assert shown["pages"] == {
        "jaeger": "http://localhost:16686",
        "prometheus": "http://localhost:9090",
        "grafana": "http://localhost:3001",
    }
    assert shown["environment"]["LANGCHAIN_DURABLE_URL"] == "redis://localhost:6380/0"
    assert shown["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:4317"


@pytest.mark.parametrize(
    ("installed", "what"), [(False, "Docker is not installed"), (True, "its Compose is not")]
)
def test_what_is_missing_is_said_and_what_to_do(
    here: Cli, tmp_path: Path, installed: bool, what: str
) -> None:
    path = docker(tmp_path / "bin", compose=False) if installed else str(tmp_path)
    said = here("up", PATH=path)
    shown = here("up", "--json", PATH=path)

    assert said.code == shown.code == 1
    assert what in said.out
    assert "https://docs.docker.com/" in said.out
    assert "up -d --build" in said.out, "for when it is there"
    assert shown.json()["ok"] is False
    assert what in shown.json()["missing"]["what"]


def test_the_file_of_the_checkout_that_one_is_in_comes_first(here: Cli, tmp_path: Path) -> None:
    checkout = tmp_path / "my checkout"
    (checkout / "collector").mkdir(parents=True)
    (checkout / "deep" / "er").mkdir(parents=True)
    shutil.copy(ROOT / "collector" / "otel-collector.yaml", checkout / "collector")
    shutil.copy(COMPOSE, checkout)
    path = docker(tmp_path / "bin", compose=True)

    inside = Cli(checkout / "deep" / "er", "")
    assert inside("up", "--json", PATH=path).json()["file"] == str(checkout / COMPOSE.name)
    assert f"-f '{checkout}/docker-compose.yml' up" in inside("up", PATH=path).out


def test_a_compose_file_that_is_not_ours_is_not_taken(here: Cli, tmp_path: Path) -> None:
    (here.directory / COMPOSE.name).write_text("services: {}\n")
    path = docker(tmp_path / "bin", compose=True)

    assert here("up", "--json", PATH=path).json()["file"] == str(COMPOSE)


def test_a_file_that_is_not_there_is_an_error_with_something_to_do(here: Cli) -> None:
    said = here("up", "--file", "nowhere.yml")

    assert (said.code, said.out) == (1, "")
    assert "expected: docker-compose.yml, with the directory collector/ beside it" in said.err
    assert "came:     nowhere.yml" in said.err
