"""Agents in the journal: they have no entries of their own, so those of their steps tell."""

from __future__ import annotations

from langchain_durable.events import AttemptEnded, ErrorInfo, Outcome, RunStatus

ABOVE = "above"
"""In a step's start: the agents that have begun since the last one, outermost first, each
``[span id, parent's span id, start in ns, what compact() made of its start]``."""

LEFT = "left"
"""In an entry: the agents that have ended since the last one, each
``[span id, end in ns, outcome, what compact_end() made of its end, error if any]``."""

AGENT = "agent"
"""In a step's start: the name of the agent that made the call."""


def as_its_attempt(end: AttemptEnded) -> tuple[Outcome, ErrorInfo | None]:
    """How an agent ended that was open until its attempt gave the run back."""
    if end.status is RunStatus.COMPLETED:
        return Outcome.COMPLETED, None
    if end.status is RunStatus.FAILED:
        return Outcome.FAILED, end.error
    return (Outcome.INTERRUPTED if end.asks else Outcome.CANCELLED), None
