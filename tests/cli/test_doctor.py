"""``doctor``: the server and the installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.servers import start_valkey


def test_a_fit_server_is_found_fit(cli: Cli) -> None:
    said = cli("doctor", "--json")

    findings = {finding["name"]: finding for finding in said.json()["findings"]}
    assert said.json()["ok"] is (said.code == 0)
    assert findings["eviction"]["level"] == "ok"
    assert findings["server"]["level"] == "ok"


def test_a_cache_fails_and_what_to_do_is_said(tmp_path: Path) -> None:
    with start_valkey(tmp_path / "cache", "--maxmemory-policy", "allkeys-lru") as server:
        said = Cli(tmp_path, server.url)("doctor", COLUMNS="80")

    assert said.code == 1
    assert "✗ eviction" in said.out
    assert "CONFIG SET maxmemory-policy noeviction" in " ".join(said.out.split())
    assert max(map(len, said.out.splitlines())) <= 80


def test_a_server_that_is_not_there_is_a_finding(cli: Cli) -> None:
    said = cli("doctor", "--url", "redis://127.0.0.1:1/0", "--json")

    assert said.code == 1
    assert said.json()["ok"] is False


def test_what_to_do_about_a_server_is_said_once(cli: Cli) -> None:
    said = cli("doctor", "--url", "redis://127.0.0.1:1/0", "--json").json()

    (failed,) = [finding for finding in said["findings"] if finding["level"] == "fail"]
    assert failed["do"]
    assert "Do: " not in failed["found"]


@pytest.mark.parametrize("command", ["doctor", "runs", "costs", "show asked", "events asked"])
def test_lines_end_where_their_words_end(priced: Cli, command: str) -> None:
    lines = priced(*command.split()).out.splitlines()

    assert lines == [line.rstrip() for line in lines]


def test_an_embedded_server_is_tried_without_leaving_anything(tmp_path: Path) -> None:
    said = Cli(tmp_path, "")("doctor")

    assert "a server was tried in a temporary directory" in said.out
    assert "✓ persistence" in said.out
    assert list(tmp_path.iterdir()) == []
