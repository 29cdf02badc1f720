"""How a run is printed: its header, messages and end, and how to go on with it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from langchain_durable.cli import money, times
from langchain_durable.cli.history import AttemptHistory, tokens
from langchain_durable.cli.output import one_line
from langchain_durable.cli.results import brief_result, question
from langchain_durable.cli.runs import program
from langchain_durable.cli.words import status_text
from langchain_durable.errors import StepInDoubt
from langchain_durable.events import Entry, RunStatus
from langchain_durable.journal import Header, HeaderField

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals
    from langchain_durable.reading.checkpoint import Checkpoint

_MESSAGES = 12


def print_header(
    console: Console,
    header: Header,
    attempts: list[AttemptHistory],
    spent: Totals,
) -> None:
    """The run's id and status, its program, times and totals."""
    console.print(Text(one_line(header.run_id), style="bold"))
    lines = [("status", status_text(header))]
    if program(header):
        version = f" {header.version}" if header.version else ""
        lines.append(("program", Text(one_line(program(header) + version))))
    lines.append(("created", _moment(header.created)))
    lines.append(("updated", _moment(header.updated)))
    lines.append(("steps", Text(_totals(header, attempts))))
    if spent.cost or spent.unpriced:
        lines.append(("cost", _cost(spent)))
    trace = header.text(HeaderField.TRACE)
    if trace:
        lines.append(("trace", Text(trace, style="dim")))
    for name, value in lines:
        console.print(Text.assemble((f"{name:<9}", "dim"), value))


def print_page(console: Console, page: str) -> None:
    """Where the run's trace is."""
    # One line, however narrow the terminal is: a link that is broken in two cannot be followed.
    line = Text.assemble(("jaeger   ", "dim"), (one_line(page), Style(link=page)))
    console.print(line, soft_wrap=True)


def _moment(nanoseconds: int) -> Text:
    now = time.time_ns()
    return Text.assemble(times.local(nanoseconds), (f"  {times.ago(nanoseconds, now=now)}", "dim"))


def _totals(header: Header, attempts: list[AttemptHistory]) -> str:
    made = [execution for attempt in attempts for execution in attempt.executions]
    finished = {each.step for each in made if each.outcome == "completed"}
    crashed = sum(each.outcome == "crashed" for each in made)
    parts = [f"{len(finished)} finished"]
    if crashed:
        parts.append(f"{crashed} crashed")
    count = header.attempt
    parts.append(f"{count} attempt{'' if count == 1 else 's'}")
    spent = tokens(attempts)
    if spent:
        parts.append(f"{spent:,} tokens")
    return ", ".join(parts)


def _cost(spent: Totals) -> Text:
    text = Text(money.total(spent))
    unpriced = sum(spent.unpriced.values())
    if unpriced and not (money.no_table(spent) and not spent.cost):
        text.append(f", {unpriced} call{'' if unpriced == 1 else 's'} unpriced", style="yellow")
    return text


def print_checkpoint(console: Console, checkpoint: Checkpoint) -> None:
    """What was said, what the run asks, and its error or result."""
    _print_messages(console, checkpoint)
    _print_questions(console, checkpoint)
    _print_end(console, checkpoint)


def _print_messages(console: Console, checkpoint: Checkpoint) -> None:
    if not checkpoint.messages:
        return
    console.print(Text("\nmessages", style="dim"))
    left_out = len(checkpoint.messages) - _MESSAGES
    if left_out > 0:
        console.print(Text(f"  ... {left_out} before these", style="dim"))
    room = max(20, min(console.width, 200) - 12)
    for message in checkpoint.messages[-_MESSAGES:]:
        said = one_line(str(message.text))
        calls = getattr(message, "tool_calls", None) or ()
        asked = ", ".join(str(call["name"]) for call in calls)
        brief = one_line(" ".join(filter(None, (said, f"→ {asked}" if asked else ""))), room)
        console.print(Text.assemble((f"  {message.type:<8}", "cyan"), "  ", brief))


def _print_questions(console: Console, checkpoint: Checkpoint) -> None:
    if checkpoint.interrupts:
        console.print(Text("\nasks", style="dim"))
    for asked in checkpoint.interrupts:
        text = Text.assemble((f"  {asked.id}  ", "dim"), _asked(asked.value))
        console.print(text, soft_wrap=True)


def _print_end(console: Console, checkpoint: Checkpoint) -> None:
    error = checkpoint.error
    if error is not None and not any(step.error == error for step in checkpoint.steps):
        console.print(Text("\nerror", style="dim"))
        console.print(Text(f"  {error.qualname}: {one_line(error.message, 500)}", style="red"))
    if checkpoint.result is not None:
        console.print(Text("\nresult", style="dim"))
        brief = _brief(checkpoint.result)
        console.print(Padding(brief, (0, 0, 0, 2), expand=False))


def print_doubtful(console: Console, run_id: str, entries: Sequence[Entry]) -> None:
    """The tools that a process died in, with the ids that ``resolve`` takes."""
    from langchain_durable.reading.resolving import doubtful
    from langchain_durable.recorder.loading import indexed

    before = "\n"
    for step in doubtful(indexed(run_id, entries)):
        where = f"tool {one_line(step.name)}, step {step.node.id.hex()}"
        said = f"{where}: its effect may have happened"
        console.print(Text.assemble((f"{before}In doubt:  ", "dim"), said), soft_wrap=True)
        before = ""


def _asked(value: Any) -> Text:
    from langchain_durable.reading.checkpoint import Unreadable

    return _brief(value) if isinstance(value, Unreadable) else Text(one_line(question(value), 500))


def _brief(result: Any) -> Text:
    from langchain_durable.reading.checkpoint import Unreadable

    if isinstance(result, Unreadable):
        return Text(one_line(result.reason), style="yellow")
    return Text(one_line(brief_result(result), 500))


def print_way_on(console: Console, header: Header, app: str = "") -> None:
    """How to go on with a run that has not ended; one that asks a person, with the answer."""
    named = shlex.quote(app) if app else "MODULE:RUNNABLE"
    how = _command("resume", header.run_id, f"--app {named}")
    same = "or make the same call again, with the same id"
    if header.asks:
        how, same = (
            _command("resume", header.run_id, f"--app {named} --answer ANSWER"),
            "or call it with Command(resume=...), with the same id",
        )
    if header.status is RunStatus.FAILED and header.reason == StepInDoubt.__name__:
        decide = _command("resolve", header.run_id, "--result RESULT", step=" STEP")
        console.print(
            Text.assemble(("\nFirst:     ", "dim"), f"{decide}, or --again"),
            soft_wrap=True,
            end="",
        )
    console.print(Text.assemble(("\nTo go on:  ", "dim"), how), soft_wrap=True)
    console.print(Text(f"           {same}", style="dim"))


def _command(verb: str, run_id: str, options: str, *, step: str = "") -> str:
    """A command about a run, for a shell. An id like ``-x`` would be an option without ``--``."""
    named = f"{shlex.quote(run_id)}{step}"
    rest = f"{options} -- {named}" if run_id.startswith("-") else f"{named} {options}"
    return f"langchain-durable {verb} {rest}"
