"""Where the files and the socket of a server are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langchain_durable.embedded import EmbeddedServer, default_directory
from langchain_durable.embedded.place import Place
from langchain_durable.errors import ServerError
from tests.embedded.conftest import Spawn


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / ("long-" * 20) / "home"


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short XDG_RUNTIME_DIR of the test's own."""
    path = Path("/tmp") / f"ld-{os.getpid()}-{tmp_path.name[-12:]}"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(path))
    return path


@pytest.fixture(autouse=True)
def _clean(runtime: Path, directory: Path) -> object:
    yield
    EmbeddedServer(directory).stop()
    for path in sorted(runtime.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    runtime.rmdir()


def test_a_long_directory_has_a_short_socket_that_nobody_else_can_reach(
    directory: Path, runtime: Path
) -> None:
    server = EmbeddedServer(directory)
    assert server.ensure() == "started"
    socket = Place(directory).socket()
    assert socket.is_relative_to(runtime)
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    assert EmbeddedServer(directory).ensure() == "attached"


def test_a_process_with_another_runtime_directory_finds_the_same_socket(
    directory: Path, spawn: Spawn
) -> None:
    server = EmbeddedServer(directory)
    server.ensure()
    child = spawn("write", "1", env={"XDG_RUNTIME_DIR": "", "TMPDIR": "/var/tmp"})
    assert child.answer() == {"how": "attached", "pid": server.pid()}


def test_a_runtime_directory_that_is_gone_is_done_without(
    directory: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime / "gone"))
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    assert EmbeddedServer(directory).ensure() == "started"
    assert Place(directory).socket().parent.parent == runtime


def test_two_long_directories_have_two_sockets(directory: Path) -> None:
    assert Place(directory).socket() != Place(directory.with_name("other")).socket()


def test_a_place_for_sockets_that_others_can_write_to_is_refused(
    directory: Path, runtime: Path
) -> None:
    parent = Place(directory).socket().parent
    parent.mkdir(mode=0o700)
    parent.chmod(0o777)
    with pytest.raises(ServerError, match=r"not private.*0777"):
        EmbeddedServer(directory).ensure()


def test_a_trace_that_cannot_be_read_is_no_trace(directory: Path) -> None:
    place = Place(directory)
    place.prepare()
    for text in ("", "{", "[]", '{"version": [1, 2, 3]}', '{"version": 7}'):
        (directory / "server.json").write_text(text)
        assert place.recall() is None


def test_the_default_directory_is_the_projects_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_directory({}) == tmp_path / ".langchain_durable"


def test_the_default_directory_can_be_set() -> None:
    home = {"LANGCHAIN_DURABLE_HOME": "~/x"}
    assert default_directory(home) == Path("~/x").expanduser()
