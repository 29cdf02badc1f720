"""``langchain-durable replay --rerun``: the program again, offline, from its journal."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.text import Text

from langchain_durable.cli.opening import open_program
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.cli.programs import load_program
from langchain_durable.cli.results import brief_result, interrupts, questions
from langchain_durable.cli.words import outcome_text
from langchain_durable.errors import DurableError
from langchain_durable.events import Outcome

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.cli.offline import Rerun
    from langchain_durable.cli.offline_answers import Replayed


def rerun_program(
    run_id: str, app: str, *, as_json: bool, url: str | None, prefix: str, key: str | None
) -> None:
    """Run the program with the journal's answers, and print them and its result.

    Exits with 1 if the program ends with an error, as it did when the run was made, or stops at
    an interrupt that was answered then: the journal does not have the answer.
    """
    from langchain_durable.cli.offline import placeholder_keys, rerun

    with placeholder_keys():
        program = load_program(app)
        with open_program(program, url, prefix, key) as durable:
            done = rerun(durable, run_id, program)
    if isinstance(done.error, DurableError):
        raise done.error
    if as_json:
        print_json(_json(run_id, done))
    else:
        _print(make_console(), done)
    if done.error is not None or _stopped(done):
        raise typer.Exit(1)


def _stopped(done: Rerun) -> str:
    """Where the program stopped short of what the run did; empty if it did not."""
    if not interrupts(done.result) or (done.paused and not done.unreached):
        return ""
    count = done.unreached
    steps = "1 recorded step was" if count == 1 else f"{count} recorded steps were"
    return f"stopped at the interrupt: {steps} not reached"


def _print(console: Console, done: Rerun) -> None:
    for number, step in enumerate(done.steps, start=1):
        console.print(_line(number, step))
    count = len(done.steps)
    drifted = sum(step.drift for step in done.steps)
    told = Text(f"{count} step{'' if count == 1 else 's'} replayed, no call was made", style="cyan")
    if drifted:
        told.append(f"; {drifted} with another input than recorded", style="yellow")
    console.print(told)
    if done.error is not None:
        # The program's own error, as it ended when the run was made: its traceback helps.
        traceback.print_exception(done.error)
        return
    console.print(questions(done.result) or brief_result(done.result), markup=False)
    if stopped := _stopped(done):
        console.print(Text(stopped, style="yellow"))


def _line(number: int, step: Replayed) -> Text:
    outcome = Outcome.COMPLETED if step.error is None else Outcome.FAILED
    line = Text.assemble(
        f"{number:>3} ", outcome_text(outcome), (f" {step.kind:<10}", "dim"), one_line(step.name)
    )
    if step.drift:
        line.append("  another input", style="yellow")
    if step.error is not None:
        said = f"  {step.error.qualname}: {one_line(step.error.message, 200)}"
        line.append(said, style="red")
    return line


def _error(done: Rerun) -> str | None:
    if done.error is not None:
        return f"{type(done.error).__name__}: {done.error}"
    return _stopped(done) or None


def _json(run_id: str, done: Rerun) -> dict[str, Any]:
    from langchain_durable.cli.events import error_json
    from langchain_durable.jsonable import jsonable

    return {
        "run_id": run_id,
        "result": jsonable(done.result),
        "error": _error(done),
        "steps": [
            {
                "kind": step.kind,
                "name": step.name,
                "drift": step.drift,
                "error": error_json(step.error),
            }
            for step in done.steps
        ],
    }
