"""Statuses, outcomes and kinds as they look in the terminal: a word, a sign, a colour."""

from __future__ import annotations

from rich.text import Text

from langchain_durable.cli.output import one_line
from langchain_durable.events import ErrorInfo, Outcome, RunStatus
from langchain_durable.journal import Header

_STATUS = {
    RunStatus.QUEUED: "cyan",
    RunStatus.RUNNING: "blue",
    RunStatus.PAUSED: "yellow",
    RunStatus.COMPLETED: "green",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "magenta",
}

_OUTCOME = {
    Outcome.COMPLETED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.CANCELLED: ("■", "magenta"),
    Outcome.INTERRUPTED: ("‖", "yellow"),
    Outcome.CRASHED: ("✗", "bold red"),
    None: ("…", "blue"),
}

CRASHED = "crashed"
"""A run that is said to run, and an attempt that did not say how it ended: its process is gone."""


def replayed_text(steps: int) -> Text:
    """What an attempt did not have to make, behind what it did; nothing if it made all."""
    said = f"  {steps} step{'' if steps == 1 else 's'} replayed" if steps else ""
    return Text(said, style="cyan")


def decided_text(tool: str, *, given: bool) -> Text:
    """A person's word about a call that an earlier attempt died in: nothing was called."""
    word = "was given its result by hand" if given else "was let run again"
    return Text.assemble(("tool ", "dim"), one_line(tool), " ", (word, "magenta"))


def status_style(status: RunStatus) -> str:
    """The colour of a status."""
    return _STATUS[status]


def status_text(header: Header) -> Text:
    """A run's status, with its reason, and what the status alone does not tell."""
    if header.crashed:
        text = Text(CRASHED, style=outcome_style(Outcome.CRASHED))
    else:
        text = Text(header.status.value, style=_STATUS[header.status])
    if header.status is RunStatus.RUNNING and header.cancel:
        text.append(", asked to stop", style="magenta")
    elif header.reason and header.status is not RunStatus.RUNNING:
        text.append(f" ({one_line(header.reason, 60)})", style="dim")
    if not header.journal_alive:
        text.append(", journal expired", style="dim")
    return text


def outcome_text(outcome: Outcome | None) -> Text:
    """A step's outcome as one sign."""
    sign, style = _OUTCOME[outcome]
    return Text(sign, style=style)


def reason(outcome: Outcome | None, error: ErrorInfo) -> tuple[str, str, str]:
    """Why a call has no result, as a label, a text and a style: its error, or its question."""
    if outcome is Outcome.INTERRUPTED:
        return "asks", error.message, outcome_style(outcome)
    said = f"{error.qualname}: {error.message}" if error.message else error.qualname
    return "error", said, "red"


def reason_text(outcome: Outcome | None, error: ErrorInfo, limit: int) -> Text:
    """Why a call has no result, in one line."""
    label, said, style = reason(outcome, error)
    said = one_line(said, limit)
    return Text(said if label == "error" else f"{label} {said}", style=style)


def outcome_style(outcome: Outcome | None) -> str:
    """The colour of an outcome."""
    return _OUTCOME[outcome][1]


def outcome_word(outcome: Outcome | None) -> str:
    """A step's outcome as a word."""
    return outcome.value if outcome is not None else "running"
