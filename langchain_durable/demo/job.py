"""What the program's process is told when it starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt. ``hold`` names a tool that must wait for its death, if not empty."""

    attempt: int
    run_id: str
    server: str
    journal: str
    prefix: str
    effects: str
    hold: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
