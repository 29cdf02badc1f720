"""Options and arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from langchain_durable.cli.keys import VARIABLE
from langchain_durable.cli.words import CRASHED
from langchain_durable.events import RunStatus

_STATUSES = (*RunStatus, CRASHED)


def _status(given: str | None) -> str | None:
    if given is not None and given not in _STATUSES:
        raise typer.BadParameter(f"{given!r} is not one of {', '.join(_STATUSES)}.")
    return given


Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="The journal's server: redis://, rediss://, redis+cluster://, unix:// or embedded://."
        " Without it: LANGCHAIN_DURABLE_URL, REDIS_URL, or the embedded server of this directory.",
        show_default=False,
        metavar="URL",
    ),
]
Prefix = Annotated[str, typer.Option("--prefix", help="What all keys begin with.", metavar="TEXT")]
Key = Annotated[
    str | None,
    typer.Option(
        "--encryption-key",
        envvar=VARIABLE,
        help="The key of an encrypted journal, as hexadecimal digits or base64. Other users of"
        " this machine can see the arguments of a command: use the variable.",
        show_default=False,
        metavar="KEY",
    ),
]
App = typer.Option(
    "--app",
    help="The program: module:runnable, imported from the working directory.",
    metavar="MODULE:RUNNABLE",
    show_default=False,
)
Answer = typer.Option(
    "--answer",
    help="What a run that is paused at an interrupt waits for: JSON, or else a text. To one of "
    'several interrupts: {"ID": ANSWER}.',
    metavar="ANSWER",
    show_default=False,
)
Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        help=f"Only these runs: {', '.join(RunStatus)}; or crashed, the running ones whose process"
        " is gone.",
        metavar="STATUS",
        callback=_status,
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
RunId = Annotated[str, typer.Argument(help="The run's id.", show_default=False)]

PREFIX = "lcd"
