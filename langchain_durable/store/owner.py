"""Who holds a lease: a process, named so that others can tell whether it is dead.

``<boot id>/<pid namespace>/<pid>/<process start time>/<nonce>``. A lease of a process
that is known to be dead need not be waited for. Only a process on the same boot and in
the same pid namespace can be judged; every other one may be alive.
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
from pathlib import Path

_UNKNOWN = "-"
_owners: dict[int, str] = {}
"""By pid, so that the child of a fork finds nothing of its own yet."""


def this_owner() -> str:
    """The owner string of this process; the same for its whole life, another in a fork."""
    pid = os.getpid()
    if pid not in _owners:
        boot, namespace = _place()
        try:
            state = _state(pid)
        except _Unknowable:
            state = None
        born = _UNKNOWN if state is None else state[0]
        made = f"{boot}/{namespace}/{pid}/{born}/{secrets.token_hex(6)}"
        _owners.setdefault(pid, made)
    return _owners[pid]


def pid_of(owner: str) -> int | None:
    """The pid of the process that calls itself so; None if it does not say one."""
    parts = owner.split("/")
    return int(parts[2]) if len(parts) == 5 and parts[2].isdecimal() else None


def is_dead(owner: str) -> bool:
    """Whether the process that calls itself so has certainly ended.

    A zombie is dead: it will never write again. False for all that cannot be known.
    """
    parts = owner.split("/")
    if len(parts) != 5 or not parts[2].isdecimal():
        return False
    boot, namespace, pid, born, _ = parts
    if _UNKNOWN in (boot, namespace, born) or (boot, namespace) != _place():
        return False
    try:
        state = _state(int(pid))
    except _Unknowable:
        return False
    return state is None or state[0] != born or state[1] in ("Z", "X")


class _Unknowable(Exception):
    """The system did not say whether there is such a process."""


def _place() -> tuple[str, str]:
    """Boot id and pid namespace: where a pid means something."""
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return boot, str(os.stat("/proc/self/ns/pid").st_ino)
        except OSError:
            return _UNKNOWN, _UNKNOWN
    if sys.platform == "darwin":
        said = _said("sysctl", "-n", "kern.boottime")
        seconds = said.partition("sec =")[2].partition(",")[0].strip()
        return (f"{platform.node()}.{seconds}", "0") if seconds else (_UNKNOWN, _UNKNOWN)
    return _UNKNOWN, _UNKNOWN


def _state(pid: int) -> tuple[str, str] | None:
    """Start time and state letter of a process; None if there is certainly none."""
    if sys.platform == "linux":
        return _linux_state(pid)
    if sys.platform == "darwin":
        said = _said("ps", "-o", "lstart=,state=", "-p", str(pid))
        start, _, state = said.strip().rpartition(" ")
        if start:
            return "_".join(start.split()), state[:1]
    _must_be_gone(pid)
    return None


def _linux_state(pid: int) -> tuple[str, str] | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        _must_be_gone(pid)
        return None
    # The command name stands in parentheses and may hold spaces and parentheses itself.
    fields = stat.rpartition(")")[2].split()
    return fields[19], fields[0]


def _must_be_gone(pid: int) -> None:
    """Ask the kernel: /proc may hide the processes of others (hidepid), ps may be missing."""
    if sys.platform == "win32":
        raise _Unknowable
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return
    except (OSError, OverflowError) as exc:
        raise _Unknowable from exc
    raise _Unknowable


def _said(*command: str) -> str:
    """What a program prints, with times in UTC; nothing if it cannot be run."""
    env = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
