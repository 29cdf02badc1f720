"""What the demo counts: calls, as the program asks for them and as the world sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Call:
    """One call of the program: what kind, which one, with what."""

    kind: str
    name: str
    key: str


def model_key(name: str, messages: int, last: str) -> str:
    """What a model call is told apart by; the scripted server's log has the same key."""
    return f"{name}/{messages}/{last[:80]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the program's process says on its stdout: one JSON line for each moment.

    ``said``: ``asked`` and ``got`` (LangChain's callbacks, which also hear of a replayed call),
    ``held`` (a tool waits for its end, as told), ``answer`` and ``failed`` with a ``text``.
    """

    said: str
    time: int
    call: Call | None = None
    tokens: int = 0
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Line:
        call = data.get("call")
        return cls(**{**data, "call": Call(**call) if call else None})
