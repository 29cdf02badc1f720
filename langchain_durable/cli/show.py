"""``langchain-durable show``: one run, its attempts and steps, its messages and its result."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from langchain_durable.cli import money, times
from langchain_durable.cli.history import AttemptHistory, history, is_alive, tokens
from langchain_durable.cli.jaeger import Jaeger, trace_url
from langchain_durable.cli.money import exact
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Key, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, one_line, print_json
from langchain_durable.cli.runs import header_json, program
from langchain_durable.cli.waterfall import print_attempts
from langchain_durable.cli.words import status_text
from langchain_durable.errors import StepInDoubt
from langchain_durable.events import Entry, Outcome, RunStatus
from langchain_durable.journal import Header, HeaderField

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals
    from langchain_durable.reading.checkpoint import Checkpoint

_MESSAGES = 12
_UNFINISHED = (RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.FAILED, RunStatus.CANCELLED)


def show(
    run_id: RunId,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
    key: Key = None,
    jaeger: Jaeger = None,
) -> None:
    """Show one run: its attempts, steps, messages and result."""
    with open_handle(url, prefix, key) as durable:
        header = durable.header(run_id)
        checkpoint = durable.get(run_id)
        entries = durable.events(run_id)
    page = trace_url(jaeger, header)
    alive = is_alive(header)
    attempts = history(entries, alive=alive)
    spent = totals(entries, header)
    if as_json:
        shown = _json(checkpoint, header, attempts, spent, alive=alive)
        print_json({**shown, "jaeger": page or None})
        return
    console = make_console()
    print_header(console, header, attempts, spent)
    if page:
        _print_page(console, page)
    console.print()
    print_attempts(console, attempts)
    _print_messages(console, checkpoint)
    _print_questions(console, checkpoint)
    _print_end(console, checkpoint)
    if not alive and header.status in _UNFINISHED:
        _print_doubtful(console, run_id, entries)
        print_way_on(console, header)


def print_way_on(console: Console, header: Header, app: str = "") -> None:
    """How to go on with a run that has not ended; one that asks a person, with the answer."""
    named = shlex.quote(app) if app else "MODULE:RUNNABLE"
    how = f"langchain-durable resume {shlex.quote(header.run_id)} --app {named}"
    same = "or make the same call again, with the same id"
    if header.asks:
        how, same = (
            f"{how} --answer ANSWER",
            "or call it with Command(resume=...), with the same id",
        )
    if header.status is RunStatus.FAILED and header.reason == StepInDoubt.__name__:
        decide = f"langchain-durable resolve {shlex.quote(header.run_id)} STEP"
        console.print(
            Text.assemble(("\nFirst:     ", "dim"), f"{decide} --result RESULT, or --again"),
            soft_wrap=True,
            end="",
        )
    console.print(Text.assemble(("\nTo go on:  ", "dim"), how), soft_wrap=True)
    console.print(Text(f"           {same}", style="dim"))


def totals(entries: Sequence[Entry], header: Header) -> Totals:
    """What a run's calls came to."""
    from langchain_durable.costs import Ledger

    ledger = Ledger()
    ledger.add(entries, status=header.status, crashed=header.crashed)
    return ledger.total


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


def _print_page(console: Console, page: str) -> None:
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


def _print_doubtful(console: Console, run_id: str, entries: Sequence[Entry]) -> None:
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

    return _brief(value) if isinstance(value, Unreadable) else Text(one_line(_question(value), 500))


def _brief(result: Any) -> Text:
    from langchain_durable.reading.checkpoint import Unreadable

    if isinstance(result, Unreadable):
        return Text(one_line(result.reason), style="yellow")
    return Text(one_line(brief_result(result), 500))


def interrupts(value: Any) -> Sequence[Any]:
    """The interrupts in a paused graph's result; none in any other result."""
    return (value.get("__interrupt__") or ()) if isinstance(value, dict) else ()


def questions(value: Any) -> str:
    """What a graph that is paused asks, a line for each interrupt; empty for any other result."""
    return "\n".join(f"asks {each.id}: {_question(each.value)}" for each in interrupts(value))


def _question(value: Any) -> str:
    """What an interrupt asks, as it is written: a text as it is, anything else as JSON."""
    from langchain_durable.jsonable import jsonable

    return value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)


def brief_result(value: Any) -> str:
    """What people want to see of a program's result: of a conversation, its last message."""
    if isinstance(value, dict) and value.get("messages"):
        last = value["messages"][-1]
        value = getattr(last, "text", last)
    text = getattr(value, "text", None)
    return str(text) if isinstance(text, str) and not isinstance(value, str) else str(value)


def _json(
    checkpoint: Checkpoint,
    header: Header,
    attempts: list[AttemptHistory],
    spent: Totals,
    *,
    alive: bool,
) -> dict[str, Any]:
    from langchain_durable.reading.checkpoint import to_json

    rendered = to_json(checkpoint)
    for step in rendered["steps"]:
        if step["outcome"] is None and not alive:
            # The journal cannot know that the process is dead; whoever looks at it can.
            step["outcome"] = Outcome.CRASHED.value
    return {
        **rendered,
        **header_json(header),
        "cost": exact(spent.cost),
        "unpriced": dict(spent.unpriced),
        "attempts": [_attempt_json(attempt) for attempt in attempts],
    }


def _attempt_json(attempt: AttemptHistory) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started": times.iso(attempt.started),
        "last": times.iso(attempt.last),
        "status": attempt.status and attempt.status.value,
        "reason": attempt.reason,
        "alive": attempt.alive,
        "pid": attempt.pid,
        "replayed": attempt.replayed,
        "decided": [{"name": name, "again": not given} for name, given in attempt.decided],
        "steps": [
            {
                "id": each.step.hex(),
                "kind": each.kind.value,
                "name": each.name,
                "depth": each.depth,
                "outcome": each.outcome and each.outcome.value,
                "started": times.iso(each.started),
                "ended": times.iso(each.ended) if each.ended is not None else None,
                "duration": each.seconds,
            }
            for each in attempt.executions
        ],
    }
