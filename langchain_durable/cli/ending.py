"""``langchain-durable cancel`` and ``delete``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, one_line
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import RunStatus


def cancel(run_id: RunId, url: Url = None, prefix: Prefix = PREFIX) -> None:
    """Stop a run at its next step; one that nobody runs is cancelled at once."""
    with open_handle(url, prefix) as durable:
        header = durable.cancel(run_id)
    console = make_console()
    if header.status is RunStatus.CANCELLED:
        console.print("cancelled", style="magenta")
    elif header.cancel:
        console.print("asked to stop: it ends at its next step", style="magenta")
    else:
        console.print(f"nothing to cancel: it is {header.status.value}")


def delete(
    run_id: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
) -> None:
    """Remove a run and all its data."""
    with open_handle(url, prefix) as durable:
        header = durable.header(run_id)
        if not yes and not _agreed(run_id, header.status):
            return
        durable.delete(run_id)
    make_console().print(Text(f"deleted {one_line(run_id)}"))


def _agreed(run_id: str, status: RunStatus) -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Deleting a run cannot be undone, and nobody is there to ask.",
            expected="a terminal, or --yes",
            came="stdin that is no terminal",
            do="say --yes",
        )
    return typer.confirm(f"Delete {one_line(run_id)} ({status.value}), with all its data?")
