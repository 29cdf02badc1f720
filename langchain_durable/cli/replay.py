"""``langchain-durable replay``: a run step by step, or the program again from its journal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from langchain_durable.cli import times
from langchain_durable.cli.keys import VARIABLE
from langchain_durable.cli.money import call, exact
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, App, AsJson, Key, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.cli.values import clean_lines, ending, shown
from langchain_durable.cli.walk import ABSENT, Hidden, Walked, result_of, walk
from langchain_durable.cli.words import (
    outcome_style,
    outcome_text,
    outcome_word,
    reason,
    status_text,
)
from langchain_durable.errors import ConfigurationError, JournalError, RunNotFound
from langchain_durable.journal import Header

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable import Durable

_INDENT = 12

Full = Annotated[bool, typer.Option("--full", help="Show values whole.")]
Rerun = Annotated[
    bool,
    typer.Option(
        "--rerun",
        help="Run the program of --app offline: every call is answered from the journal.",
    ),
]


def replay(
    run_id: RunId,
    full: Full = False,
    rerun: Rerun = False,
    app: Annotated[str | None, App] = None,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
    key: Key = None,
) -> None:
    """Walk through a run step by step, with what came out, and what went into its tools.

    The journal keeps the run's input, and what tools were called with. It does not keep the
    prompts of models, the queries of retrievers or the arguments of functions: these have no input
    here, and null with --json.

    On a terminal, Enter shows the next step and q ends.

    With --rerun the program itself runs again, without a key or a network.
    A call that the journal cannot answer is then an error that names it.
    The journal is not changed. Code between the calls really runs.
    """
    if rerun != (app is not None):
        raise ConfigurationError(
            "--rerun and --app go together.",
            expected="both, or neither to look at the journal alone",
            came="--rerun without --app" if rerun else "--app without --rerun",
            do="write --rerun --app my_app:agent",
        )
    if app is not None:
        from langchain_durable.cli.rerun import rerun_program

        rerun_program(run_id, app, as_json=as_json, url=url, prefix=prefix, key=key)
        return
    with open_handle(url, prefix, key) as durable:
        story = _story(durable, run_id)
    if as_json:
        print_json(_json(story))
        return
    _tell(make_console(), story, full=full)


@dataclass(frozen=True, slots=True)
class _Story:
    header: Header
    input: Any
    steps: Sequence[Walked]
    result: Any


def _story(durable: Durable, run_id: str) -> _Story:
    from langchain_durable.reading import queries
    from langchain_durable.reading.stored_call import run_input
    from langchain_durable.recorder.loading import decode_payload

    runtime = durable.connector.connect()
    header = durable.header(run_id)
    entries = durable.events(run_id)
    alive = queries.working_attempt(runtime, header)

    def decode(entry: Any) -> Any:
        return decode_payload(runtime, run_id, entry)

    try:
        given = run_input(runtime, header)
    except RunNotFound:
        given = ABSENT
    except JournalError as exc:
        given = Hidden(exc.what)
    steps = walk(entries, decode, alive=alive)
    return _Story(header, given, steps, result_of(entries, decode))


# -- for people -------------------------------------------------------------------------------


def _tell(console: Console, story: _Story, *, full: bool) -> None:
    stepping = sys.stdin.isatty() and console.is_terminal
    header = story.header
    console.print(Text.assemble((one_line(header.run_id), "bold"), "  ", status_text(header)))
    _print_value(console, "input", story.input, full=full)
    if not story.steps:
        console.print(Text("This run has made no step.", style="dim"))
    for step in story.steps:
        if stepping and not _goes_on(console, step, len(story.steps)):
            return
        console.print()
        _print_step(console, step, full=full)
    console.print()
    result = story.result if full else ending(story.result)
    _print_value(console, "result", result, full=full)
    values = [story.input, story.result, *(v for s in story.steps for v in (s.input, s.output))]
    if any(isinstance(value, Hidden) for value in values):
        hint = f"Values that are encrypted need the key: {VARIABLE} or --encryption-key."
        console.print(Text(hint, style="yellow"))


def _goes_on(console: Console, step: Walked, total: int) -> bool:
    prompt = Text(f"\n[{step.number}/{total}] Enter: next, q: quit ", style="dim")
    try:
        return not console.input(prompt).strip().lower().startswith("q")
    except EOFError:
        return False


def _print_step(console: Console, step: Walked, *, full: bool) -> None:
    line = Text.assemble(
        (f"{step.number:>3} ", "bold"),
        outcome_text(step.outcome),
        (f" {step.kind.value} ", "dim"),
        (one_line(step.name), "bold"),
    )
    line.append("  " + ", ".join(_facts(step)), style="dim")
    if step.outcome is None or step.outcome.value != "completed":
        line.append(f"  {outcome_word(step.outcome)}", style=outcome_style(step.outcome))
    console.print(line, soft_wrap=True)
    _print_value(console, "in", step.input, full=full)
    _print_value(console, "out", step.output, full=full)
    if step.error is not None:
        label, said, style = reason(step.outcome, step.error)
        _print_lines(console, label, clean_lines(said, full=full, width=_room(console)), style)


def _facts(step: Walked) -> list[str]:
    facts = [times.clock(step.started)]
    if step.attempt > 1:
        facts.append(f"attempt {step.attempt}")
    if step.seconds is not None:
        facts.append(times.span(step.seconds))
    if step.usage is not None:
        facts.append(f"{step.usage.input_tokens:,} + {step.usage.output_tokens:,} tokens")
    if step.cost is not None:
        facts.append(call(step.cost, estimated=step.estimated))
    return facts


def _print_value(console: Console, name: str, value: Any, *, full: bool) -> None:
    if value is ABSENT:
        return
    if isinstance(value, Hidden):
        _print_lines(console, name, [value.reason], "yellow")
    else:
        lines = clean_lines(shown(value), full=full, width=_room(console))
        _print_lines(console, name, lines, "")


def _room(console: Console) -> int:
    return console.width - _INDENT - 1


def _print_lines(console: Console, name: str, lines: Sequence[str], style: str) -> None:
    for number, line in enumerate(lines):
        label = name if number == 0 else ""
        text = Text.assemble((f"    {label:<8}", "dim"), (line, style))
        console.print(text, soft_wrap=True)


# -- for programs -----------------------------------------------------------------------------


def _json(story: _Story) -> dict[str, Any]:
    from langchain_durable.cli.runs import header_json

    return {
        **header_json(story.header),
        "input": _plain(story.input),
        "steps": [_step_json(step) for step in story.steps],
        "result": _plain(story.result),
    }


def _step_json(step: Walked) -> dict[str, Any]:
    from langchain_durable.cli.events import error_json, usage_json

    return {
        "number": step.number,
        "id": step.step,
        "kind": step.kind.value,
        "name": step.name,
        "attempt": step.attempt,
        "started": times.iso(step.started),
        "duration": step.seconds,
        "outcome": step.outcome and step.outcome.value,
        "usage": usage_json(step.usage),
        "cost": None if step.cost is None else exact(step.cost),
        "cost_estimated": step.estimated,
        "error": error_json(step.error),
        "input": _plain(step.input),
        "output": _plain(step.output),
    }


def _plain(value: Any) -> Any:
    from langchain_durable.jsonable import jsonable

    if value is ABSENT:
        return None
    return {"unreadable": value.reason} if isinstance(value, Hidden) else jsonable(value)
