"""Which process is meant by a pid: the number alone is reused by strangers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def identity(pid: int) -> str:
    """When the process started, as a string that no other process with this pid shares.

    Empty if there is no such process, or only its zombie.
    """
    if pid <= 0:
        return ""
    if sys.platform == "linux":
        return _from_proc(pid)
    return _from_ps(pid)


def _from_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # The second field is the program's name in parentheses, which may contain spaces.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return "" if state in "ZX" else f"{boot}:{started}"


def _from_ps(pid: int) -> str:
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def is_same(pid: int, expected: str) -> bool:
    """Whether the pid still names the process that had this identity."""
    return bool(expected) and identity(pid) == expected


def signal_if_same(pid: int, expected: str, number: signal.Signals) -> bool:
    """Send the signal to the process that had this identity, and to no other."""
    if not is_same(pid, expected):
        return False
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
