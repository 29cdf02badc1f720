"""A TCP proxy before a server that loses replies or connections when told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Proxy:
    """Forwards connections to a port. ``url`` is the proxy's."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._losing = 0
        self.lost = threading.Semaphore(0)
        """Released for each reply that was lost."""
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_replies(self, count: int = 1) -> None:
        """Swallow what the server says next, then cut the connection; ``count`` times."""
        with self._lock:
            self._losing += count

    def cut(self) -> None:
        """Cut all connections now."""
        with self._lock:
            cut, self._open = self._open, []
        for connection in cut:
            _end(connection)

    def close(self) -> None:
        _end(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self._open += [client, server]
            self._pump(client, server, lambda: False)
            self._pump(server, client, self._loses)

    def _loses(self) -> bool:
        with self._lock:
            if self._losing == 0:
                return False
            self._losing -= 1
        self.lost.release()
        return True

    def _pump(self, source: socket.socket, sink: socket.socket, loses: Callable[[], bool]) -> None:
        def run() -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    if loses():
                        break
                    sink.sendall(data)
            _end(source)
            _end(sink)

        threading.Thread(target=run, daemon=True).start()


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy before a port of this machine."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
