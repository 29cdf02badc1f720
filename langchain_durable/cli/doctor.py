"""``langchain-durable doctor``: is the server, and this installation, fit for journals?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from langchain_durable.cli.options import PREFIX, AsJson, Prefix, Url
from langchain_durable.cli.output import make_console, one_line, print_json, print_table

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.doctor import Finding

_LOOKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
_PATIENCE = 2.0


def doctor(as_json: AsJson = False, url: Url = None, prefix: Prefix = PREFIX) -> None:
    """Check the journal's server and this installation. Exits with 1 if something fails."""
    findings, note = _examine(url, prefix)
    failed = any(finding.level == "fail" for finding in findings)
    if as_json:
        print_json(
            {
                "ok": not failed,
                "findings": [
                    {
                        "name": finding.name,
                        "level": finding.level.value,
                        "found": finding.found,
                        "do": finding.do,
                    }
                    for finding in findings
                ],
            }
        )
    else:
        _print(findings, note)
    if failed:
        raise typer.Exit(1)


def _examine(url: str | None, prefix: str) -> tuple[Sequence[Finding], str]:
    from langchain_durable import Durable
    from langchain_durable.doctor import Finding, Level, examine
    from langchain_durable.errors import DurableError

    with _place(url) as (place, note):
        try:
            with Durable(place, prefix=prefix, retry_for=_PATIENCE) as durable:
                return examine(durable.connector.connect().store), note
        except DurableError as exc:
            refused = Finding(name="server", level=Level.FAIL, found=exc.problem(), do=exc.do)
            return [refused], note


@contextmanager
def _place(url: str | None) -> Iterator[tuple[str | None, str]]:
    """The URL to look at. An embedded server that was never used is tried elsewhere."""
    from urllib.parse import quote

    from langchain_durable.connecting.server_url import choose
    from langchain_durable.embedded import EmbeddedServer

    directory = choose(url, os.environ).directory
    if directory is None or directory.exists():
        yield url, ""
        return
    with tempfile.TemporaryDirectory(prefix="langchain-durable-doctor-") as trial:
        try:
            yield (
                f"embedded://{quote(trial)}",
                f"There is no journal in {directory} yet; a server was tried in a temporary"
                " directory.",
            )
        finally:
            EmbeddedServer(trial).stop()


def _print(findings: Sequence[Finding], note: str) -> None:
    console = make_console()
    if note:
        console.print(Text(note, style="dim"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for finding in findings:
        sign, style = _LOOKS[finding.level]
        if finding.level == "ok" and finding.found.startswith("not installed"):
            sign, style = "-", "dim"
        said = Text(one_line(finding.found), style=style if finding.level != "ok" else "")
        if finding.do and finding.level != "ok":
            said.append(f"\n→ {finding.do}", style="bold")
        table.add_row(Text(sign, style=style), finding.name, said)
    print_table(console, table)
