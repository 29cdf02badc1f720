"""Start a server process that outlives us, and say why when it does not start."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from langchain_durable.embedded.binary import ServerBinary
from langchain_durable.embedded.locks import FileLock, is_held
from langchain_durable.embedded.place import Place
from langchain_durable.embedded.wire import Pulse, feel
from langchain_durable.errors import ServerError

_LOG_LIMIT = 1 << 20
_QUOTED_LINES = 6
_POLL_SECONDS = 0.002

_FOREIGN = (
    "the data was written by another or a newer server: pass server_path= with that"
    " server's binary, or choose another directory"
)
_ADVICE = (
    ("RDB format version", _FOREIGN),
    # The base file is written whole by one server, so what is wrong with it is its format.
    ("base.rdb: make a backup", _FOREIGN),
    (
        "No space left",
        "free some disk space and try again; what was acknowledged before is still there",
    ),
    ("Permission denied", "make the directory writable for this user, or choose another one"),
    ("Read-only file system", "choose a directory on a writable disk"),
    (
        "append only file",
        "repair it with `redis-check-aof --fix` on the file's manifest, or move the"
        " appendonlydir directory away, which gives up the runs in it",
    ),
    (
        "AOF",
        "repair it with `redis-check-aof --fix` on the file's manifest, or move the"
        " appendonlydir directory away, which gives up the runs in it",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds to wait for what."""

    listen: float = 10.0
    """From the start of the process to its first answer."""
    load: float = 300.0
    """While it answers that it is reading its file: a gigabyte takes some ten seconds."""
    answer: float = 10.0
    """For a running server that accepts connections and says nothing."""
    end: float = 10.0
    """From the order to end to the end."""


def arguments(
    binary: ServerBinary, place: Place, *, socket: Path, appendfsync: str
) -> list[str | bytes]:
    """Give the command line. The server needs no configuration file."""
    options: dict[str, str | Path] = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": place.directory,
        "logfile": place.log,
        "pidfile": place.pid_file,
        # The server forks away by itself, so that it is never our zombie.
        "daemonize": "yes",
        "appendonly": "yes",
        "appendfsync": appendfsync,
        # A SIGKILL in the middle of a write leaves half a command, which was never answered.
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory": "0",
        "maxmemory-policy": "noeviction",
    }
    command: list[str | bytes] = [str(binary.path)]
    for name, value in options.items():
        command += [f"--{name}", os.fsencode(value)]
    return command


class Launch:
    """One attempt to start a server. ``serving`` is the lock that the server inherits.

    It holds it for as long as it lives, so that "is there a server on this directory" has
    an answer that neither a SIGKILL nor a lost socket can falsify.
    """

    def __init__(self, place: Place, binary: ServerBinary, socket: Path) -> None:
        self._place = place
        self._binary = binary
        self._socket = socket
        self._log_start = 0

    def run(self, serving: FileLock, *, appendfsync: str, patience: Patience) -> None:
        """Start the server and wait until it answers, or raise ``ServerError``."""
        self._roll_log()
        self._socket.unlink(missing_ok=True)
        command = arguments(self._binary, self._place, socket=self._socket, appendfsync=appendfsync)
        try:
            code = self._spawn(command, serving, patience)
        finally:
            serving.close()
        if code != 0:
            raise self._failed(f"ended at once with status {code}")
        self._wait(patience)

    def _spawn(self, command: list[str | bytes], serving: FileLock, patience: Patience) -> int:
        with self._place.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(serving.fd,),
                start_new_session=True,
                umask=0o077,
            )
            try:
                return process.wait(patience.listen)
            except BaseException:
                # Also a KeyboardInterrupt: what we do not wait for would become a zombie.
                process.kill()
                process.wait()
                raise

    def _wait(self, patience: Patience) -> None:
        begin = time.monotonic()
        loading = False
        while True:
            pulse = feel(str(self._socket))
            if pulse is Pulse.READY:
                return
            loading = loading or pulse is Pulse.LOADING
            if pulse is Pulse.GONE and not is_held(self._place.server_lock):
                raise self._failed("ended while it started")
            if time.monotonic() - begin > (patience.load if loading else patience.listen):
                what = "is still reading its file" if loading else "does not answer"
                raise self._failed(f"{what} after {time.monotonic() - begin:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _roll_log(self) -> None:
        log = self._place.log
        self._log_start = log.stat().st_size if log.exists() else 0
        if self._log_start > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.old"))
            self._log_start = 0

    def _failed(self, what: str) -> ServerError:
        with self._place.log.open("rb") as log:
            log.seek(self._log_start)
            text = log.read(_LOG_LIMIT).decode(errors="replace")
        lines = [
            line.strip()
            for line in text.splitlines()
            if line.strip() and "WARNING Memory overcommit" not in line
        ]
        advice = next(
            (advice for sign, advice in _ADVICE if sign in text), "read the log, then try again"
        )
        return ServerError(
            f"The embedded server {self._binary} {what}.",
            expected=f"a server on {self._place.directory}",
            came="the end of its log: " + " | ".join(lines[-_QUOTED_LINES:]),
            do=f"{advice} (log: {self._place.log})",
        )
