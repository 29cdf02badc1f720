"""A graph that waits for a person."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_durable.events import Interrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a graph has stopped: at a static breakpoint, if there is a ``checkpoint`` id, or
    to ask something."""

    checkpoint: str = ""
    interrupts: tuple[Interrupt, ...] = ()
