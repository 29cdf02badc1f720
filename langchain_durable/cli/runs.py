"""``langchain-durable runs``: the runs of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from langchain_durable.cli import times
from langchain_durable.cli.history import is_alive
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, Url
from langchain_durable.cli.output import make_console, one_line, print_json, print_table
from langchain_durable.cli.words import status_text
from langchain_durable.events import RunStatus
from langchain_durable.journal import Header, HeaderField

_MS = 1_000_000
_GAP = 2
_FIXED = 4 * _GAP + len("attempt") + len("59 min ago") + 1


def runs(
    status: Annotated[
        RunStatus | None,
        typer.Option(
            "--status",
            help=f"Only these: {', '.join(RunStatus)}.",
            metavar="STATUS",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """List the runs, the last updated first."""
    from langchain_durable.store import is_dead

    with open_handle(url, prefix) as durable:
        headers = durable.runs(status=status, limit=limit)
    rows = [(header, is_alive(header, is_dead)) for header in headers]
    if as_json:
        print_json([header_json(header, alive=alive) for header, alive in rows])
    else:
        _print_table(rows, status=status, limit=limit)


def _print_table(
    rows: Sequence[tuple[Header, bool]], *, status: RunStatus | None, limit: int
) -> None:
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    if not rows:
        console.print(f"There are no {status} runs." if status else "There are no runs yet.")
        return
    cells = [
        (
            Text(one_line(header.run_id)),
            status_text(header, alive=alive),
            Text(one_line(program(header))),
            str(header.attempt),
            times.ago(header.updated * _MS),
        )
        for header, alive in rows
    ]
    longest = [max(len(row[column]) for row in cells) for column in range(3)]
    run, state, named = column_widths(console.width, *longest)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
    table.add_column("run", overflow="fold", width=run)
    table.add_column("status", overflow="fold", width=state)
    table.add_column("program", no_wrap=True, overflow="ellipsis", width=named)
    table.add_column("attempt", justify="right", no_wrap=True)
    table.add_column("updated", no_wrap=True)
    for row in cells:
        table.add_row(*row)
    print_table(console, table)
    if len(rows) == limit:
        console.print(f"The last {limit}; --limit gives more.", style="dim")


def column_widths(total: int, run: int, status: int, named: int) -> tuple[int, int, int]:
    """Widths for ids, statuses and program names, given the longest of each.

    An id matters most, because the next command needs it: 36 columns are a UUID. Programs
    give way first, then statuses.
    """
    run, status, named = max(run, 3), max(status, 6), max(named, 7)
    left = max(total - _FIXED, 30)
    ids = min(run, 36, left - 17)
    names = max(7, min(named, left - ids - min(status, 28)))
    states = max(9, min(status, left - ids - names))
    return min(run, left - states - names), states, names


def program(header: Header) -> str:
    """The name of the program that the run is a run of."""
    return header.text(HeaderField.PROGRAM)


def header_json(header: Header, *, alive: bool) -> dict[str, Any]:
    """A header as JSON. ``alive``: whether a process may be at work on the run."""
    return {
        "run_id": header.run_id,
        "status": header.status.value,
        "reason": header.reason,
        "alive": alive,
        "program": program(header),
        "version": header.version,
        "attempt": header.attempt,
        "entries": header.seq,
        "created": times.iso(header.created * _MS),
        "updated": times.iso(header.updated * _MS),
        "journal": header.journal_alive,
        "trace_id": header.text(HeaderField.TRACE),
    }
