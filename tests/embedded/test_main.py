"""The server by hand: ``python -m langchain_durable.embedded``."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_durable.embedded import EmbeddedServer
from langchain_durable.embedded.__main__ import main


def test_status_tells_what_runs(server: EmbeddedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.ensure()
    assert main(["status", str(server.directory)]) == 0
    assert f"pid             {server.pid()}" in capsys.readouterr().out


def test_stop_ends_what_runs_and_says_so(
    server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.ensure()
    assert main(["stop", str(server.directory)]) == 0
    assert capsys.readouterr().out.startswith("stopped")
    assert main(["stop", str(server.directory)]) == 0
    assert capsys.readouterr().out.startswith("nothing runs")


def test_the_default_is_the_projects_own_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LANGCHAIN_DURABLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    main(["status"])
    assert str(tmp_path / ".langchain_durable") in capsys.readouterr().out


def test_a_failure_is_one_line_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    (home / "server.lock").mkdir(parents=True)
    assert main(["status", str(home)]) == 1
    assert main(["stop", str(home)]) == 1
    assert "cannot be used" in capsys.readouterr().err
