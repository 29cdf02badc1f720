"""The files of one embedded server, and what is remembered about it between runs."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from langchain_durable.embedded.binary import ServerBinary
from langchain_durable.errors import ServerError

HOME_VARIABLE = "LANGCHAIN_DURABLE_HOME"

_LONGEST_SOCKET = 100
"""Bytes. The kernel's limit is 103 on macOS and 107 on Linux, longer paths cannot be bound."""

_IGNORE = """\
# The journal of langchain-durable's embedded server: runs of this project, and its log.
# Nothing here belongs in version control. To start afresh, run
# `python -m langchain_durable.embedded stop`, then remove this directory.
*
"""


def default_directory(env: Mapping[str, str]) -> Path:
    """Give the directory of the embedded server that a program without a URL uses."""
    return Path(env.get(HOME_VARIABLE, "").strip() or ".langchain_durable").expanduser().absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a server left in its directory for the next process that comes along."""

    directory: str
    """Where this was written: a copied directory must not lead to the original's server."""

    binary: str
    name: str
    version: tuple[int, int, int]
    socket: str
    appendfsync: str = ""
    """The strictest that a user of the server asked for; empty after a clean end."""

    pid: int = 0
    started: str = ""

    def writer(self) -> ServerBinary:
        return ServerBinary(path=Path(self.binary), name=self.name, version=self.version)


class Place:
    """Paths inside one server's directory. Creates nothing before ``prepare``."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        # Absolute at once: the program may change its working directory, the server does.
        self.directory = Path(os.path.realpath(Path(directory).expanduser()))
        self.start_lock = self.directory / "start.lock"
        self.users_lock = self.directory / "users.lock"
        self.server_lock = self.directory / "server.lock"
        self.log = self.directory / "server.log"
        self.pid_file = self.directory / "server.pid"
        self.data = self.directory / "appendonlydir"
        self._trace = self.directory / "server.json"

    def prepare(self) -> None:
        """Create the directory, readable by its owner only, and keep it out of git.

        Raises ``ServerError`` for one that is somebody else's, or open to everybody.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.directory.stat()
        me = os.geteuid()
        if (found.st_uid != me and me != 0) or found.st_mode & 0o002:
            raise ServerError(
                f"The directory {self.directory} is not safe for a journal.",
                expected=f"a directory that belongs to user {me} and that others cannot write to",
                came=f"owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}",
                do=f"correct that, or set {HOME_VARIABLE} to another directory",
            )
        ignore = self.directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text(_IGNORE)

    def recall(self) -> Trace | None:
        """Read the trace of the last server; None if there is none that can be read."""
        try:
            raw = json.loads(self._trace.read_text())
            major, minor, patch = raw.pop("version")
            trace = Trace(**raw, version=(major, minor, patch))
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return trace

    def remember(self, trace: Trace) -> None:
        """Replace the trace, in one step for whoever reads it."""
        fresh = self._trace.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(trace), indent=1))
        fresh.replace(self._trace)

    def running(self) -> Trace | None:
        """The trace, if it was written here: its socket and pid are this directory's."""
        trace = self.recall()
        return trace if trace is not None and trace.directory == str(self.directory) else None

    def socket(self) -> Path:
        """Where the server listens: the path it had before, else one that the kernel accepts.

        The path stays the same for a directory, because clients reconnect to it.
        """
        inside = self.directory / "server.sock"
        if _fits(inside):
            return inside
        before = self.running()
        name = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:20] + ".sock"
        if before is not None and Path(before.socket).name == name:
            known = Path(before.socket)
            if _fits(known) and known.parent.exists() and _is_private(known.parent):
                return known
        paths = [base / f"langchain-durable-{os.geteuid()}" / name for base in _socket_bases()]
        return next(path for path in paths if _fits(path))


def _socket_bases() -> list[Path]:
    """Where a directory for sockets may be made, best first."""
    # That of a login session is gone with it, and `su` leaves the variable that names it.
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = [session] if os.access(session, os.W_OK | os.X_OK) else []
    return [Path(base) for base in (*usable, tempfile.gettempdir(), "/tmp")]


def _fits(path: Path) -> bool:
    # A path that is not UTF-8 cannot be said in a URL.
    encoded = os.fsencode(path)
    return len(encoded) <= _LONGEST_SOCKET and encoded.decode(errors="ignore") == str(path)


def _is_private(directory: Path) -> bool:
    found = directory.lstat()
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return mine and not found.st_mode & 0o077


def secure_parent(socket: Path) -> None:
    """Make sure that nobody else can put a socket where ours will be.

    Matters in a shared temporary directory, where the name can be guessed.
    """
    parent = socket.parent
    parent.mkdir(mode=0o700, exist_ok=True)
    if _is_private(parent):
        return
    found = parent.lstat()
    raise ServerError(
        f"The directory {parent} for the server's socket is not private.",
        expected=f"a directory of user {os.geteuid()} with mode 0700",
        came=f"owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}",
        do=f"remove it, set XDG_RUNTIME_DIR, or set {HOME_VARIABLE} to a shorter path",
    )
