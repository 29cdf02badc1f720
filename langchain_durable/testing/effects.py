"""Effects counted outside the process that makes them, so that they survive its SIGKILL.

Each line of the file is one event, appended by a single write: what was called, with
which key, by which process, and whether the call had begun, had its effect, or had given
its result back to the program.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Phase(StrEnum):
    """How far a call had come."""

    BEGIN = "begin"
    EFFECT = "effect"
    END = "end"
    """The program has the result: whatever must be recorded first is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One line of the file. Times are nanoseconds since the epoch."""

    name: str
    key: str
    phase: Phase
    pid: int
    time: int


class Effects:
    """An append-only file of effects; any number of processes and threads may write."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def note(self, name: str, key: str, phase: Phase) -> Effect:
        """Append one event. It is in the file, whatever happens to the process next."""
        effect = Effect(name=name, key=key, phase=phase, pid=os.getpid(), time=time.time_ns())
        line = json.dumps(asdict(effect)).encode() + b"\n"
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY
        file = os.open(self.path, flags, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)
        return effect

    def read(self) -> list[Effect]:
        """All events so far, in the order in which they were written."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [_effect(json.loads(line)) for line in lines]

    def count(self, name: str, key: str | None = None, phase: Phase = Phase.EFFECT) -> int:
        """How often something came to a phase."""
        return sum(
            effect.name == name and effect.phase is phase and key in (None, effect.key)
            for effect in self.read()
        )


def _effect(data: dict[str, Any]) -> Effect:
    return Effect(**{**data, "phase": Phase(data["phase"])})
