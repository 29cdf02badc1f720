"""``langchain-durable runs``: the runs of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from langchain_durable.cli import times
from langchain_durable.cli.history import is_alive
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, Status, Url
from langchain_durable.cli.output import make_console, one_line, print_json, print_table
from langchain_durable.cli.words import status_text
from langchain_durable.journal import Header, HeaderField

_GAP = 2
_LEAST = len("completed") + len("program")
_FIXED = 4 * _GAP + len("attempt") + len("59 min ago") + 1

_Row = tuple[str, Text, str, Header]
"""What is shown of a run: its id, status and program, and the rest."""


def runs(
    status: Status = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """List the runs, the last updated first."""
    with open_handle(url, prefix) as durable:
        headers = durable.runs(status=status, limit=limit)
    if as_json:
        print_json(list(map(header_json, headers)))
    else:
        _print(headers, status=status, limit=limit)


def _print(headers: Sequence[Header], *, status: str | None, limit: int) -> None:
    console = make_console()
    if not headers:
        console.print(f"There are no {status} runs." if status else "There are no runs yet.")
        return
    ids = [one_line(header.run_id) for header in headers]
    statuses = list(map(status_text, headers))
    named = [one_line(program(header)) for header in headers]
    longest = [max(map(len, column)) for column in (ids, statuses, named)]
    widths = column_widths(console.width, *longest)
    rows = list(zip(ids, statuses, named, headers, strict=True))
    if widths is None:
        _print_lines(console, rows)
    else:
        _print_table(console, rows, widths)
    if len(headers) == limit:
        console.print(f"The last {limit}; --limit gives more.", style="dim")
    if any(header.crashed for header in headers):
        how = "langchain-durable resume RUN --app MODULE:RUNNABLE"
        console.print(f"Crashed runs go on with: {how}", style="dim", soft_wrap=True)


def _print_table(console: Console, rows: Sequence[_Row], widths: tuple[int, int, int]) -> None:
    run, state, named = widths
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
    table.add_column("run", no_wrap=True, width=run)
    table.add_column("status", overflow="fold", width=state)
    table.add_column("program", no_wrap=True, overflow="ellipsis", width=named)
    table.add_column("attempt", justify="right", no_wrap=True)
    table.add_column("updated", no_wrap=True)
    for run_id, status, name, header in rows:
        updated = times.ago(header.updated)
        table.add_row(Text(run_id), status, Text(name), str(header.attempt), updated)
    print_table(console, table)


def _print_lines(console: Console, rows: Sequence[_Row]) -> None:
    """Two lines a run, the first with its id alone: one that is cut up cannot be copied."""
    for run_id, status, name, header in rows:
        console.print(Text(run_id, style="bold"), soft_wrap=True)
        told = f", {times.ago(header.updated)}, attempt {header.attempt}, {name}"
        line = Text.assemble("  ", status, (told, "dim"))
        console.print(line, no_wrap=True, overflow="ellipsis")


def column_widths(total: int, run: int, status: int, named: int) -> tuple[int, int, int] | None:
    """Widths for ids, statuses and program names, given the longest of each.

    An id must stay whole, because the next command needs it: None where it cannot. Programs
    give way first, then statuses.
    """
    run, status, named = max(run, 3), max(status, 6), max(named, 7)
    left = total - _FIXED - run
    if left < _LEAST:
        return None
    names = max(7, min(named, left - min(status, 28)))
    return run, min(status, left - names), names


def program(header: Header) -> str:
    """The name of the program that the run is a run of."""
    return header.text(HeaderField.PROGRAM)


def header_json(header: Header) -> dict[str, Any]:
    """A header as JSON. ``alive``: a process may be at work; ``crashed``: none is, and should."""
    return {
        "run_id": header.run_id,
        "status": header.status.value,
        "reason": header.reason,
        "alive": is_alive(header),
        "crashed": header.crashed,
        "program": program(header),
        "version": header.version,
        "attempt": header.attempt,
        "entries": header.seq,
        "created": times.iso(header.created),
        "updated": times.iso(header.updated),
        "journal": header.journal_alive,
        "trace_id": header.text(HeaderField.TRACE),
    }
