"""Attempts and their steps as a table with a bar for each step's place in time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from langchain_durable.cli import times
from langchain_durable.cli.history import AttemptHistory, Execution
from langchain_durable.cli.output import one_line, print_table
from langchain_durable.cli.words import (
    CRASHED,
    decided_text,
    outcome_style,
    outcome_text,
    outcome_word,
    reason_text,
    replayed_text,
    status_style,
)
from langchain_durable.events import Outcome

_BAR = 20
_LEAST_NAME = 16
_KIND = 9
_TOOK = 12


def print_attempts(
    console: Console, attempts: Sequence[AttemptHistory], *, indent: int = 0
) -> None:
    """Each attempt with its steps. Bars are on one time axis, without the pauses between."""
    total = sum(attempt.last - attempt.started for attempt in attempts) or 1
    before = 0
    for attempt in attempts:
        parts: list[RenderableType] = [_heading(attempt)]
        if attempt.executions:
            parts.append(_table(console.width - indent, attempt, before, total))
        elif not attempt.decided:
            parts.append(Text("  no step of its own", style="dim"))
        for tool, given in attempt.decided:
            parts.append(Text.assemble("  ", decided_text(tool, given=given)))
        parts += _errors(attempt)
        print_table(console, Padding(Group(*parts), (0, 0, 0, indent), expand=False))
        before += attempt.last - attempt.started


def _heading(attempt: AttemptHistory) -> Text:
    text = Text.assemble(
        (f"attempt {attempt.number}", "bold"), (f"  {times.local(attempt.started)}  ", "dim")
    )
    if attempt.only_decided:
        text.append("decided", style="magenta")
        return text
    if attempt.status is not None:
        text.append(attempt.status.value, style=status_style(attempt.status))
        if attempt.reason:
            text.append(f" ({one_line(attempt.reason, 40)})", style="dim")
        text.append_text(replayed_text(attempt.replayed))
    elif attempt.alive:
        text.append("running", style="blue")
    else:
        text.append(CRASHED, style=outcome_style(Outcome.CRASHED))
    if attempt.status is None and attempt.pid is not None:
        text.append(f"  process {attempt.pid}", style="dim")
    return text


def _table(width: int, attempt: AttemptHistory, before: int, total: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    bar = _BAR if width >= 60 else 0
    used = 4 + _KIND + 1 + _TOOK + 1 + bar + 2
    table.add_column(width=3, no_wrap=True, justify="right")
    table.add_column(width=_KIND, no_wrap=True)
    longest = max(len(one_line(each.name)) + 2 * each.depth for each in attempt.executions)
    room = max(_LEAST_NAME, min(longest, width - used))
    table.add_column(width=room, no_wrap=True, overflow="ellipsis")
    table.add_column(width=_TOOK, no_wrap=True, justify="right")
    if bar:
        table.add_column(width=bar, no_wrap=True)
    for each in attempt.executions:
        cells = [
            outcome_text(each.outcome),
            Text(each.kind.value, style="dim"),
            Text("  " * each.depth + one_line(each.name)),
            _took(each),
        ]
        if bar:
            cells.append(_bar(each, attempt, before, total))
        table.add_row(*cells)
    return table


def _took(execution: Execution) -> Text:
    if execution.outcome is Outcome.COMPLETED and execution.seconds is not None:
        return Text(times.span(execution.seconds))
    return Text(outcome_word(execution.outcome), style=outcome_style(execution.outcome))


def _bar(execution: Execution, attempt: AttemptHistory, before: int, total: int) -> Text:
    end = execution.ended if execution.ended is not None else attempt.last
    first = before + max(0, execution.started - attempt.started)
    last = before + max(0, end - attempt.started)
    left = min(_BAR - 1, first * _BAR // total)
    length = max(1, min(_BAR - left, round((last - first) * _BAR / total)))
    style = outcome_style(execution.outcome)
    return Text.assemble(("·" * left, "bright_black"), ("━" * length, style))


def _errors(attempt: AttemptHistory) -> list[Text]:
    return [
        Text.assemble(f"  {one_line(each.name)}: ", reason_text(each.outcome, each.error, 300))
        for each in attempt.executions
        if each.error is not None
    ]
