"""``langchain-durable resume``: go on with a run by its id alone."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from langchain_durable.cli.events import Starts, describe
from langchain_durable.cli.opening import open_program
from langchain_durable.cli.options import PREFIX, Answer, App, AsJson, Key, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, print_json
from langchain_durable.cli.programs import load_program
from langchain_durable.cli.resolve import json_or_text
from langchain_durable.cli.results import brief_result, questions
from langchain_durable.cli.show_view import print_way_on
from langchain_durable.cli.words import status_text
from langchain_durable.errors import DurableError, JournalError
from langchain_durable.events import StepStarted

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable import Durable

_LOOK_SECONDS = 0.2


def resume(
    run_id: RunId,
    app: Annotated[str, App],
    answer: Annotated[str | None, Answer] = None,
    as_json: AsJson = False,
    url: Url = None,
    prefix: Prefix = PREFIX,
    key: Key = None,
) -> None:
    """Make the run's call again: what had finished is replayed, the rest runs."""
    from langchain_durable.jsonable import jsonable

    given = None if answer is None else _value(answer)
    program = load_program(app)
    with open_program(program, url, prefix, key) as durable:
        before = durable.header(run_id)
        with _told(durable, run_id, before.seq, make_console(stderr=True)):
            result = _result(durable, run_id, program, given)
        after = durable.header(run_id)
    if as_json:
        print_json(
            {
                "run_id": run_id,
                "status": after.status.value,
                "reason": after.reason,
                "attempt": after.attempt,
                "result": jsonable(result),
            }
        )
        return
    console = make_console()
    console.print(status_text(after))
    console.print(questions(result) or brief_result(result), markup=False)
    if after.asks:
        print_way_on(console, after, app)


def _result(durable: Durable, run_id: str, program: Any, answer: Any) -> Any:
    try:
        return durable.resume(run_id, program, answer=answer)
    except DurableError:
        raise
    except Exception as exc:  # the program's own: its traceback is what helps
        traceback.print_exc()
        raise typer.Exit(1) from exc


def _value(answer: str) -> Any:
    value = json_or_text(answer)
    if value is None:
        raise typer.BadParameter("null is no answer to LangGraph", param_hint="--answer")
    return value


@contextmanager
def _told(durable: Durable, run_id: str, seq: int, console: Console) -> Iterator[None]:
    """Say on stderr what the run does, as its journal tells it."""
    over = threading.Event()
    thread = threading.Thread(
        target=_follow, args=(durable, run_id, seq, console, over), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _follow(
    durable: Durable, run_id: str, seq: int, console: Console, over: threading.Event
) -> None:
    started: Starts = {}
    last = False
    with console.status("running", spinner="dots"):
        while not last:
            last = over.wait(_LOOK_SECONDS)
            try:
                entries = durable.events(run_id, after=seq)
            except JournalError:
                continue  # the run itself says it, and more than a look at it could
            for entry in entries:
                seq = entry.seq
                if isinstance(entry.event, StepStarted):
                    started[entry.event.step] = entry.attempt, entry.event
                else:
                    console.print(describe(entry, started))
