"""Programs that serve on loopback, on free ports: started, waited for, stopped by their own pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Service:
    """A running program and its log."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=log.parent,
            )

    def pause(self) -> None:
        """It keeps its connections, and answers nothing (SIGSTOP)."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wait_healthy(self, url: str, timeout: float = 60.0) -> None:
        """Wait until the address answers 200; its log's end is the error otherwise."""
        deadline = time.monotonic() + timeout
        while not _answers(url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self._process.args!r}: no start\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._process.poll() is None:
            self.resume()
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(service: Service, health: str) -> Iterator[Service]:
    """The service, once it is healthy, until the block ends."""
    try:
        service.wait_healthy(health)
        yield service
    finally:
        service.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def eventually(ask: Callable[[], T | None], what: str, timeout: float = 30.0) -> T:
    """The first answer that is something: not None, and not empty."""
    deadline = time.monotonic() + timeout
    while not (found := ask()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.1)
    return found
