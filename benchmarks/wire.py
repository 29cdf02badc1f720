"""A proxy before the server that writes down every command, and may hold replies back.

What it counts is what was on the wire, whoever sent it and whatever they say they sent.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One command: the connection it came by, its words, and its size on the wire."""

    connection: int
    words: tuple[bytes, ...]
    size: int

    @property
    def name(self) -> str:
        return self.words[0].decode("ascii", "replace").upper()


class Wire:
    """Forwards connections to a server's port. ``url`` is for its clients.

    ``delay``: seconds by which each reply comes later. Replies do not queue behind each
    other's delay, so whoever does not wait for one loses nothing.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.delay = 0.0
        self.sent: list[Sent] = []
        self.received = 0
        self._open: list[socket.socket] = []
        self._start(self._accept)

    def since(self, mark: int) -> list[Sent]:
        """The commands from a point on; the point is an earlier ``len(wire.sent)``."""
        return self.sent[mark:]

    def close(self) -> None:
        for connection in (self._listener, *self._open):
            _end(connection)

    def _start(self, function: object, *args: object) -> None:
        threading.Thread(target=function, args=args, daemon=True).start()  # type: ignore[arg-type]  # object: any function

    def _accept(self) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                for connection in (client, server):
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.append(connection)
                number += 1
                due: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                self._start(self._requests, number, client, server)
                self._start(self._replies, server, due)
                self._start(self._deliver, due, client)

    def _requests(self, number: int, client: socket.socket, server: socket.socket) -> None:
        commands = _Commands(number)
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                # Noted before it goes on: who has a reply finds its command here.
                self.sent += commands.feed(data)
                server.sendall(data)
        _end(server)

    def _replies(self, server: socket.socket, due: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                self.received += len(data)
                due.put((time.monotonic() + self.delay, data))
        due.put((0.0, b""))

    def _deliver(self, due: queue.SimpleQueue[tuple[float, bytes]], client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                at, data = due.get()
                if not data:
                    break
                time.sleep(max(0.0, at - time.monotonic()))
                client.sendall(data)
        _end(client)


class _Commands:
    """Takes a client's bytes apart into commands."""

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._rest = b""

    def feed(self, data: bytes) -> list[Sent]:
        self._rest += data
        found = []
        while (command := self._next()) is not None:
            found.append(command)
        return found

    def _next(self) -> Sent | None:
        at = self._rest.find(b"\r\n")
        if at < 0:
            return None
        words = []
        count = int(self._rest[1:at])
        at += 2
        for _ in range(count):
            end = self._rest.find(b"\r\n", at)
            if end < 0:
                return None
            start, length = end + 2, int(self._rest[at + 1 : end])
            if len(self._rest) < start + length + 2:
                return None
            words.append(self._rest[start : start + length])
            at = start + length + 2
        self._rest = self._rest[at:]
        return Sent(connection=self._connection, words=tuple(words), size=at)


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    """A proxy before a port of this machine."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
