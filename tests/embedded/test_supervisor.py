"""The embedded server as its users meet it: started, shared, released, stopped."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from pathlib import Path

import pytest
import redis

from langchain_durable.embedded import EmbeddedServer, Patience, locks
from langchain_durable.embedded.place import Place
from langchain_durable.errors import ConfigurationError, ServerError
from tests.embedded.conftest import Spawn

HASTY = Patience(listen=5, load=5, answer=0.3, end=0.3)


def client_of(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def wait_for_end(server: EmbeddedServer) -> None:
    freed = locks.wait_for(server.directory / "server.lock", 10)
    assert freed is not None, "the server still runs"
    freed.close()


def test_the_first_user_starts_the_server_and_the_next_one_attaches(
    server: EmbeddedServer,
) -> None:
    assert server.ensure() == "started"
    assert EmbeddedServer(server.directory).ensure() == "attached"


def test_the_url_leads_a_client_to_the_server(server: EmbeddedServer) -> None:
    server.ensure()
    with client_of(server) as client:
        assert client.info("server")["process_id"] == server.pid()


def test_a_journal_there_is_never_evicted_and_always_appended_to_a_file(
    server: EmbeddedServer,
) -> None:
    server.ensure()
    with client_of(server) as client:
        config = client.config_get("*")
    assert config["maxmemory-policy"] == "noeviction"
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "everysec"
    assert config["port"] == "0"


def test_nobody_else_may_look_into_the_directory(server: EmbeddedServer) -> None:
    server.ensure()
    assert server.directory.stat().st_mode & 0o777 == 0o700
    assert (server.directory / "server.sock").stat().st_mode & 0o077 == 0
    assert (server.directory / ".gitignore").read_text().splitlines()[-1] == "*"


def test_eight_processes_that_race_have_one_server(spawn: Spawn) -> None:
    racers = [spawn("write") for _ in range(8)]
    answers = [racer.answer() for racer in racers]
    assert sorted(answer["how"] for answer in answers) == ["attached"] * 7 + ["started"]
    assert len({answer["pid"] for answer in answers}) == 1


@pytest.mark.parametrize("name", ["a b", "é ü 日本", "100% %25 #x?y", "'\"\\n$(x);*", "--port"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    server = EmbeddedServer(tmp_path / name)
    assert server.ensure() == "started"
    with client_of(server) as client:
        client.set("k", "v")
    server.release()
    assert server.ensure() == "started"
    with client_of(server) as client:
        assert client.get("k") == "v"
    assert server.stop()


def test_a_relative_directory_stays_where_it_was_when_the_program_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server = EmbeddedServer("home")
    monkeypatch.chdir("/")
    server.ensure()
    server.release()
    assert (tmp_path / "home" / "appendonlydir").is_dir()


def test_the_last_user_that_leaves_ends_the_server(server: EmbeddedServer, spawn: Spawn) -> None:
    child = spawn("write")
    child.answer()
    child.exit()
    wait_for_end(server)


def test_a_user_that_leaves_does_not_end_the_server_of_another(
    server: EmbeddedServer, spawn: Spawn
) -> None:
    server.ensure()
    child = spawn("write")
    assert child.answer()["how"] == "attached"
    child.exit()
    assert server.status().answers


def test_a_client_that_is_connected_keeps_the_server(server: EmbeddedServer) -> None:
    server.ensure()
    with client_of(server) as client:
        client.ping()
        server.release()
        assert client.ping()


def test_two_handles_in_one_process_share_the_server(server: EmbeddedServer) -> None:
    other = EmbeddedServer(server.directory)
    server.ensure()
    other.ensure()
    other.release()
    assert server.status().answers


def test_a_killed_user_does_not_count_as_a_user(server: EmbeddedServer, spawn: Spawn) -> None:
    child = spawn("write")
    child.answer()
    child.kill()
    server.ensure()
    server.release()
    wait_for_end(server)


@pytest.mark.parametrize("verb", ["fork", "fork-and-use"])
def test_the_exit_of_a_forked_child_leaves_its_parents_server(spawn: Spawn, verb: str) -> None:
    assert spawn(verb).answer() == {"running": True}


def test_release_may_be_called_at_any_time(server: EmbeddedServer) -> None:
    server.release()
    server.ensure()
    server.release()
    server.release()


def test_a_server_is_ended_when_its_directory_was_removed(server: EmbeddedServer) -> None:
    server.ensure()
    lock = os.open(server.directory / "server.lock", os.O_RDWR)
    shutil.rmtree(server.directory)
    server.release()
    fcntl.flock(lock, fcntl.LOCK_EX)  # Free only when the server has ended.
    os.close(lock)


def test_stop_ends_the_server_whoever_uses_it(server: EmbeddedServer, spawn: Spawn) -> None:
    spawn("write").answer()
    assert server.stop()
    assert not server.status().running


def test_stop_without_a_server_says_so(server: EmbeddedServer) -> None:
    assert not server.stop()
    assert not server.directory.exists()


def test_status_tells_about_the_server_without_starting_it(server: EmbeddedServer) -> None:
    assert server.pid() is None
    assert not server.status().running
    server.ensure()
    status = server.status()
    assert status.answers
    assert status.pid
    assert status.memory_bytes > 0
    assert status.clients == 0


def test_users_that_differ_get_the_strictest_fsync(server: EmbeddedServer) -> None:
    server.ensure()
    EmbeddedServer(server.directory, appendfsync="always").ensure()
    EmbeddedServer(server.directory).ensure()
    with client_of(server) as client:
        assert client.config_get("appendfsync")["appendfsync"] == "always"


def test_a_server_that_comes_back_keeps_the_strictest_fsync(server: EmbeddedServer) -> None:
    strict = EmbeddedServer(server.directory, appendfsync="always")
    strict.ensure()
    pid = strict.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    wait_for_end(strict)
    server.ensure()
    with client_of(server) as client:
        assert client.config_get("appendfsync")["appendfsync"] == "always"
    strict.release()


def test_an_fsync_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="everysec"):
        EmbeddedServer(tmp_path, appendfsync="sometimes")  # type: ignore[arg-type]  # on purpose


def test_a_copied_directory_has_a_server_of_its_own(server: EmbeddedServer, tmp_path: Path) -> None:
    server.ensure()
    with client_of(server) as client:
        client.set("k", "v")
    # As after a SIGKILL: the copy's trace names the original's socket and process.
    shutil.copytree(server.directory, tmp_path / "copy", ignore=shutil.ignore_patterns("*.sock"))
    copy = EmbeddedServer(tmp_path / "copy")
    assert copy.ensure() == "started"
    assert copy.pid() != server.pid()
    assert copy.stop()
    assert server.status().answers


def test_another_process_that_hangs_in_a_start_is_not_waited_for_for_ever(
    directory: Path,
) -> None:
    directory.mkdir()
    held = locks.take(Place(directory).start_lock)
    assert held is not None
    hasty = EmbeddedServer(directory, patience=Patience(load=0.1))
    with held, pytest.raises(ServerError, match=r"start\.lock"):
        hasty.ensure()
