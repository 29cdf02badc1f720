"""Writing to the terminal: for people through rich, for programs as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from langchain_durable.errors import DurableError

_UNFOLDED = 1000
"""Columns where nobody looks at a terminal: a line of a table stays one line for grep."""


def make_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console on stdout, or on stderr. Colours, NO_COLOR and COLUMNS are rich's affair."""
    stream = sys.stderr if stderr else sys.stdout
    folded = stream.isatty() or "COLUMNS" in os.environ or "FORCE_COLOR" in os.environ
    width = None if folded else _UNFOLDED
    return Console(stderr=stderr, quiet=quiet, width=width, highlight=False, soft_wrap=False)


def print_table(console: Console, table: Any) -> None:
    """Print a table; where nobody looks at a terminal, without the spaces that fill its lines."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    lines = captured.get().splitlines()
    console.file.write("".join(f"{line.rstrip()}\n" for line in lines))


def print_json(document: Any) -> None:
    """One JSON document on stdout, for people too."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_json_lines(documents: Iterable[Any]) -> None:
    """One JSON document a line on stdout."""
    for document in documents:
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_error(error: DurableError) -> None:
    """An error of ours on stderr: what went wrong, what was expected, what came, what to do."""
    console = make_console(stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), error.what))
    for name, said in (("expected", error.expected), ("came", error.came), ("do", error.do)):
        if said:
            style = "bold" if name == "do" else ""
            console.print(Text.assemble((f"  {name + ':':<10}", "dim"), (said, style)))


def one_line(text: str, length: int = 0) -> str:
    """The text without line breaks and control characters, cut to ``length`` if that is set."""
    joined = " ".join(text.split())
    clean = "".join(sign if sign.isprintable() else "?" for sign in joined)
    return clean if not length or len(clean) <= length else clean[: length - 1] + "…"
