"""Run one server for all processes that use a directory, and keep its data through kills.

Three file locks carry it, because the kernel drops them when a process is killed:
``start.lock`` is held while a server is started or stopped; ``users.lock`` is shared by
all processes that use the server; ``server.lock`` is inherited by the server and held
for as long as it lives.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from langchain_durable.embedded import locks, process
from langchain_durable.embedded.binary import find_server, refuse_windows
from langchain_durable.embedded.launch import Launch, Patience
from langchain_durable.embedded.place import Place, Trace, secure_parent
from langchain_durable.embedded.refusals import start_blocked, unreachable, unusable
from langchain_durable.embedded.status import ServerStatus, info_fields, look, socket_url
from langchain_durable.embedded.wire import Pulse, ReplyError, Wire, feel
from langchain_durable.errors import ConfigurationError, ServerError

logger = logging.getLogger(__name__)

Fsync = Literal["everysec", "always"]
_POLL_SECONDS = 0.003
_RELEASE_SECONDS = 0.5


class EmbeddedServer:
    """The Redis or Valkey server of one directory, started on demand and shared.

    ``ensure`` starts it or attaches to it, from any number of processes. It survives
    SIGKILL of the program; SIGKILL of the server loses nothing that was acknowledged.
    ``release`` (also at exit) ends it if nobody else uses it. ``appendfsync`` is
    ``everysec`` (a power cut may take two seconds) or ``always``; if processes differ, the
    strictest holds. Needs Linux or macOS.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        appendfsync: Fsync = "everysec",
        server_path: str | os.PathLike[str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        refuse_windows()
        if appendfsync not in get_args(Fsync):
            raise ConfigurationError(
                "The embedded server's appendfsync has no such value.",
                expected="'everysec' or 'always'",
                came=repr(appendfsync),
                do="use 'always' if a power cut must not lose a step, else 'everysec'",
            )
        self._place = Place(directory)
        self._appendfsync = appendfsync
        self._server_path = server_path
        self._patience = patience or Patience()
        self._user: locks.FileLock | None = None
        self._trace: Trace | None = None
        self._process = os.getpid()
        self._mutex = threading.Lock()

    @property
    def directory(self) -> Path:
        """The absolute directory that holds the data, the log and the locks."""
        return self._place.directory

    @property
    def url(self) -> str:
        """The URL that redis-py connects to (``unix:///...``, percent-encoded)."""
        return socket_url(self._place.socket())

    def ensure(self) -> str:
        """Make sure that the server runs and answers: ``"started"`` or ``"attached"``.

        Safe to call often, from threads and from forked children; an attach takes about a
        millisecond. Raises ``ServerError`` that quotes the server's log.
        """
        with self._alone_in_process():
            joined = self._user is not None
            try:
                how = self._ensure()
            except BaseException as exc:
                if not joined:
                    self._leave()
                if isinstance(exc, OSError):
                    raise unusable(self._place, exc) from exc
                raise
            if not joined:
                atexit.register(self.release)
            return how

    def release(self) -> None:
        """Say that this process no longer uses the server; the last one to say so ends it.

        The server stays if another process uses it, or any other client is connected. Close
        your own connections first. Never raises: it also runs at exit.
        """
        if self._process != os.getpid():
            return  # A forked child: the server is its parent's.
        if not self._mutex.acquire(timeout=_RELEASE_SECONDS):
            return
        try:
            if self._user is None:
                return
            atexit.unregister(self.release)
            self._end_if_unused()
        except FileNotFoundError:
            self._end_of_removed_directory()
        except (OSError, ReplyError, ServerError) as exc:
            logger.debug("The embedded server was left running: %s", exc)
        finally:
            self._leave()
            self._mutex.release()

    def stop(self) -> bool:
        """End the server whoever uses it; False if none ran. Acknowledged data is on disk."""
        with self._alone_in_process():
            try:
                if not locks.is_held(self._place.server_lock):
                    return False
                with self._exclusive(self._patience.end):
                    return self._stop()
            except OSError as exc:
                raise unusable(self._place, exc) from exc

    def pid(self) -> int | None:
        """The server's process id, or None if no server runs on the directory."""
        return self.status().pid

    def status(self) -> ServerStatus:
        """Look at the server without starting it."""
        try:
            return look(self._place)
        except OSError as exc:
            raise unusable(self._place, exc) from exc

    def _ensure(self) -> str:
        self._place.prepare()
        patience = self._patience
        with self._exclusive(patience.load):
            if self._user is None:
                self._user = locks.take(self._place.users_lock, shared=True)
            begin = time.monotonic()
            evicted = False
            while True:
                serving = locks.take(self._place.server_lock)
                if serving is not None:
                    with serving:
                        self._start(serving)
                    return "started"
                pulse = feel(self._socket(), timeout=min(1.0, patience.answer))
                if pulse is Pulse.READY:
                    self._attach()
                    return "attached"
                waited = time.monotonic() - begin
                if pulse is Pulse.GONE and waited > patience.answer / 5 and not evicted:
                    evicted = self._signal(signal.SIGTERM)
                if waited > (patience.load if pulse is Pulse.LOADING else patience.answer):
                    raise unreachable(self._place, pulse)
                time.sleep(_POLL_SECONDS)

    def _start(self, serving: locks.FileLock) -> None:
        place = self._place
        before = place.recall() if place.data.exists() else None
        binary = find_server(self._server_path, wrote=before.writer() if before else None)
        socket = place.socket()
        if socket.parent != place.directory:
            secure_parent(socket)
        trace = Trace(
            directory=str(place.directory),
            binary=str(binary.path),
            name=binary.name,
            version=binary.version,
            socket=str(socket),
            appendfsync=self._strictest(before),
        )
        # Before the start, so that it is there if we are killed during it.
        place.remember(trace)
        try:
            Launch(place, binary, socket).run(
                serving, appendfsync=trace.appendfsync, patience=self._patience
            )
        except BaseException:
            if before is not None:
                # On a full disk this fails as well; the error on its way says more.
                with suppress(OSError):
                    place.remember(before)
            raise
        self._note_process(trace)

    def _attach(self) -> None:
        trace = self._place.running()
        if trace is not None and trace.appendfsync != self._strictest(trace):
            trace = replace(trace, appendfsync=self._appendfsync)
            with Wire(self._socket(), timeout=self._patience.answer) as wire:
                wire.call("CONFIG", "SET", "appendfsync", self._appendfsync)
            self._place.remember(trace)
        if trace is not None and not trace.pid:
            self._note_process(trace)
        self._trace = trace

    def _note_process(self, trace: Trace) -> None:
        with Wire(self._socket(), timeout=self._patience.answer) as wire:
            pid = int(info_fields(wire.call("INFO", "server"))["process_id"])
        self._trace = replace(trace, pid=pid, started=process.identity(pid))
        self._place.remember(self._trace)

    def _strictest(self, trace: Trace | None) -> str:
        # A server that comes back after a crash serves users whose demands stand.
        return "always" if trace and trace.appendfsync == "always" else self._appendfsync

    def _end_if_unused(self) -> None:
        with self._exclusive(_RELEASE_SECONDS):
            self._leave()
            alone = locks.take(self._place.users_lock)
            if alone is None:
                return
            with alone, Wire(self._socket(), timeout=_RELEASE_SECONDS) as wire:
                if len(wire.call("CLIENT", "LIST").splitlines()) == 1:
                    wire.shut_down()
                    self._forget_process()

    def _end_of_removed_directory(self) -> None:
        # Nobody can attach to it or stop it any more: it would stay until the next boot.
        if self._user is not None and self._user.is_only_holder() and self._trace is not None:
            process.signal_if_same(self._trace.pid, self._trace.started, signal.SIGTERM)

    def _forget_process(self) -> None:
        trace = self._place.running()
        if trace is not None:
            self._place.remember(replace(trace, pid=0, started="", appendfsync=""))

    def _stop(self) -> bool:
        if not locks.is_held(self._place.server_lock):
            return False
        try:
            with Wire(self._socket(), timeout=self._patience.end) as wire:
                wire.shut_down()
        except (OSError, ReplyError) as exc:
            logger.debug("The embedded server did not end by SHUTDOWN: %s", exc)
            self._signal(signal.SIGTERM)
        if self._ended() or (self._signal(signal.SIGKILL) and self._ended()):
            return True
        raise unreachable(self._place, feel(self._socket(), timeout=self._patience.end))

    def _ended(self) -> bool:
        deadline = time.monotonic() + self._patience.end
        while locks.is_held(self._place.server_lock):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _signal(self, number: signal.Signals) -> bool:
        trace = self._place.running()
        return trace is not None and process.signal_if_same(trace.pid, trace.started, number)

    def _socket(self) -> str:
        return str(self._place.socket())

    def _leave(self) -> None:
        if self._user is not None:
            self._user.close()
            self._user = None

    @contextmanager
    def _exclusive(self, seconds: float) -> Iterator[None]:
        lock = locks.wait_for(self._place.start_lock, seconds)
        if lock is None:
            raise start_blocked(self._place, seconds)
        with lock:
            yield

    @contextmanager
    def _alone_in_process(self) -> Iterator[None]:
        if self._process != os.getpid():
            # After a fork: another thread may have held the mutex, and the parent's lock
            # must stay the parent's.
            self._process = os.getpid()
            self._mutex = threading.Lock()
            self._leave()
        with self._mutex:
            yield
