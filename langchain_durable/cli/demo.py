"""``langchain-durable demo``: a real agent is killed, and goes on where it was."""

from __future__ import annotations

from typing import Annotated

import typer

from langchain_durable.cli.options import AsJson
from langchain_durable.cli.output import make_console, print_json

Keep = Annotated[bool, typer.Option("--keep", help="Leave the journal and the files behind.")]
KillAt = Annotated[
    int | None,
    typer.Option(
        "--kill-at",
        help="Kill the agent in the middle of this one of its 10 calls (default: 8).",
        min=1,
        max=10,
        metavar="N",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="Draw that call by lot.", metavar="N", show_default=False),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Put the journal on this server instead of an embedded one.",
        metavar="URL",
        show_default=False,
    ),
]


def demo(
    as_json: AsJson = False,
    keep: Keep = False,
    kill_at: KillAt = None,
    seed: Seed = None,
    url: Url = None,
) -> None:
    """Kill a real agent in the middle of its work, and see it go on where it was.

    No key, no Redis, no Docker: a scripted OpenAI server plays the model.
    The journal is on an embedded server of the demo's own.
    Exits with 0 only if no finished call was made again.
    """
    from langchain_durable.cli.demo_view import DemoView
    from langchain_durable.demo import Options, play

    console = make_console(stderr=as_json)
    console.quiet = as_json and not console.is_terminal
    view = DemoView(console)
    with view.busy():
        report = play(Options(kill_at=kill_at, seed=seed, url=url, keep=keep), view)
    if as_json:
        print_json(report.to_json())
    else:
        view.report(report)
    if not report.ok:
        raise typer.Exit(1)
