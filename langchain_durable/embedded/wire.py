"""A few commands to a server on a unix socket, without a client library.

Starting and stopping a server needs PING, INFO and SHUTDOWN; the journal's client is in
the store's room.
"""

from __future__ import annotations

import socket
from enum import Enum
from types import TracebackType


class ReplyError(Exception):
    """The server answered with an error, such as ``LOADING ...``."""


class Wire:
    """One connection. Every call may raise ``OSError`` (``TimeoutError`` included)."""

    def __init__(self, path: str, *, timeout: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(path)
        except BaseException:
            self._socket.close()
            raise
        self._reader = self._socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()
        self._socket.close()

    def call(self, *words: str) -> str:
        """Send a command and give its reply as text. An array gives the number of its items."""
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word.encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
        self._socket.sendall(b"".join(parts))
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ReplyError(rest.decode(errors="replace"))
        if kind == b"$" and int(rest) >= 0:
            return self._reader.read(int(rest) + 2)[:-2].decode(errors="replace")
        return rest.decode(errors="replace")

    def shut_down(self) -> None:
        """Ask the server to sync its append-only file and end; wait until it hangs up."""
        self._socket.sendall(b"SHUTDOWN NOSAVE\r\n")
        try:
            answer = self._reader.readline()
        except ConnectionResetError:
            return
        if answer:
            raise ReplyError(answer[1:].strip().decode(errors="replace"))

    def _line(self) -> bytes:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the server closed the connection")
        return line[:-2]


class Pulse(Enum):
    """How a server answers."""

    READY = "ready"
    LOADING = "loading"
    SILENT = "silent"
    """It accepts connections and does not answer: stopped, or busy."""
    GONE = "gone"
    """Nobody listens."""


def feel(path: str, *, timeout: float = 1.0) -> Pulse:
    """Ask the server for a sign of life. Raises ``PermissionError`` for a stranger's socket."""
    try:
        with Wire(path, timeout=timeout) as wire:
            wire.call("PING")
    except (FileNotFoundError, ConnectionError):
        return Pulse.GONE
    except (TimeoutError, BlockingIOError):
        return Pulse.SILENT
    except ReplyError as exc:
        # Any other error (MISCONF, BUSY) comes from a server that is up.
        return Pulse.LOADING if str(exc).startswith("LOADING") else Pulse.READY
    return Pulse.READY
