"""The commands, by their names. What a command needs is imported when it is called."""

from __future__ import annotations

import inspect

import typer

from langchain_durable.cli.costs import costs
from langchain_durable.cli.demo import demo
from langchain_durable.cli.doctor import doctor
from langchain_durable.cli.ending import cancel, delete
from langchain_durable.cli.events import events
from langchain_durable.cli.export import export
from langchain_durable.cli.replay import replay
from langchain_durable.cli.resolve import resolve
from langchain_durable.cli.resume import resume
from langchain_durable.cli.runs import runs
from langchain_durable.cli.show import show
from langchain_durable.cli.up import up

app = typer.Typer(
    help="See, replay, resume and end durable runs of LangChain programs.",
    epilog="Begin with: langchain-durable demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    demo,
    runs,
    show,
    events,
    replay,
    costs,
    export,
    resume,
    resolve,
    cancel,
    delete,
    doctor,
    up,
)


def _flowing(docstring: str) -> str:
    """Its paragraphs without this source's line breaks: terminals have widths of their own."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


for command in COMMANDS:
    app.command(help=_flowing(command.__doc__ or ""))(command)


@app.callback(invoke_without_command=True)
def version(
    shown: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    """See, replay, resume and end durable runs of LangChain programs."""
    if shown:
        from langchain_durable.installation import installed_version

        typer.echo(installed_version("langchain-durable") or "not installed (a source tree)")
        raise typer.Exit
