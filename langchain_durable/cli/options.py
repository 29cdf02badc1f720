"""Options and arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="The journal's server: redis://, unix:// or embedded://. Without it:"
        " LANGCHAIN_DURABLE_URL, REDIS_URL, or the embedded server of this directory.",
        show_default=False,
        metavar="URL",
    ),
]
Prefix = Annotated[str, typer.Option("--prefix", help="What all keys begin with.", metavar="TEXT")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RunId = Annotated[str, typer.Argument(help="The run's id.", show_default=False)]

PREFIX = "lcd"
