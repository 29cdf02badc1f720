"""A call that wants to be durable, and what a run that is over answers it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_durable.journal import Intent
from langchain_durable.touchpoints.langgraph import is_command

INPUT = "input"
"""What the values of a run's input are bound to."""


class _Unknown:
    """The input of a run whose program has not said it."""

    def __repr__(self) -> str:
        return "<not given>"  # in help(durable.run)


UNKNOWN_INPUT = _Unknown()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call that wants to be durable.

    ``inputs`` is :data:`UNKNOWN_INPUT` where the program gave none to compare.
    ``must_exist``: the run is known to be there (``resume``). ``stored_result``: a
    completed run is answered with its result instead of being replayed.
    """

    inputs: Any = UNKNOWN_INPUT
    intent: Intent = Intent.CALL
    must_exist: bool = False
    stored_result: bool = False
    version: str = ""
    program: str = ""
    tenant: str = ""
    call: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


def intent_of(inputs: Any) -> Intent:
    """Whether a call has an input of its own, or goes on with a paused run."""
    return Intent.CONTINUE if inputs is None or is_command(inputs) else Intent.CALL


@dataclass(frozen=True, slots=True)
class Stored:
    """The result of a completed run."""

    value: Any
