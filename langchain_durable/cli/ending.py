"""``langchain-durable cancel`` and ``delete``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.cli.runs import header_json
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import RunStatus


def cancel(
    run_id: RunId, as_json: AsJson = False, url: Url = None, prefix: Prefix = PREFIX
) -> None:
    """Stop a run; one that nobody runs is cancelled at once.

    A run ends at the first step after its process hears of it, within a third of its lease;
    one that finishes before that is completed.
    """
    with open_handle(url, prefix) as durable:
        header = durable.cancel(run_id)
    stopping = header.cancel and header.status is RunStatus.RUNNING
    if as_json:
        print_json({**header_json(header), "stopping": stopping})
        return
    console = make_console()
    if header.status is RunStatus.CANCELLED:
        console.print("cancelled", style="magenta")
    elif stopping:
        console.print(
            "asked to stop: it ends at the first step after its process hears of it (within a"
            " third of its lease); if it finishes before that, it is completed",
            style="magenta",
        )
    else:
        console.print(f"nothing to cancel: it is {header.status.value}")


def delete(
    run_id: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """Remove a run and all its data."""
    with open_handle(url, prefix) as durable:
        header = durable.header(run_id)
        agreed = yes or _agreed(run_id, header.status)
        if agreed:
            durable.delete(run_id)
    if as_json:
        print_json({"run_id": run_id, "deleted": agreed})
    elif agreed:
        make_console().print(Text(f"deleted {one_line(run_id)}"))
    else:
        make_console().print("not deleted")


def _agreed(run_id: str, status: RunStatus) -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Deleting a run cannot be undone, and nobody is there to ask.",
            expected="a terminal, or --yes",
            came="stdin that is no terminal",
            do="say --yes",
        )
    # Asked on stderr: stdout may be somebody's JSON.
    return typer.confirm(
        f"Delete {one_line(run_id)} ({status.value}), with all its data?", err=True
    )
