"""``langchain-durable resolve``: decide about a tool's call that its process died in."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Key, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, print_json
from langchain_durable.cli.runs import header_json
from langchain_durable.cli.show_view import print_way_on

Step = Annotated[
    str,
    typer.Argument(
        help="The call's step id: 16 hexadecimal digits, as the run's error names it, and as the"
        " steps of show --json have it.",
        show_default=False,
    ),
]


def resolve(
    run_id: RunId,
    step: Step,
    result: Annotated[
        str | None,
        typer.Option(
            "--result",
            help="Its effect has happened: record this as what the tool answered. JSON, or else a"
            " text.",
            metavar="RESULT",
            show_default=False,
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Its effect has not happened: let the tool run again."),
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
    key: Key = None,
) -> None:
    """Decide about a tool's call that its process died in, before the run is resumed.

    A tool that is marked @in_doubt("fail") fails its run with StepInDoubt until somebody has
    looked whether its effect has happened.
    """
    if (result is None) != again:
        raise typer.BadParameter("give one of these", param_hint="--result / --again")
    value = () if result is None else (json_or_text(result),)
    with open_handle(url, prefix, key) as durable:
        durable.resolve(run_id, step, *value)
        header = durable.header(run_id)
    if as_json:
        print_json({**header_json(header), "step": step, "again": again})
        return
    console = make_console()
    console.print("the tool runs again" if again else "recorded as the tool's answer")
    print_way_on(console, header)


def json_or_text(given: str) -> Any:
    """The value that an option stands for: that of its JSON, or else the text itself."""
    try:
        return json.loads(given)
    except ValueError:
        return given
