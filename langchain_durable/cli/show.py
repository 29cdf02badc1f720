"""``langchain-durable show``: one run, its attempts and steps, its messages and its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_durable.cli import times
from langchain_durable.cli.history import AttemptHistory, history, is_alive
from langchain_durable.cli.jaeger import Jaeger, trace_url
from langchain_durable.cli.money import exact
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Key, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, print_json
from langchain_durable.cli.runs import header_json
from langchain_durable.cli.show_view import (
    print_checkpoint,
    print_doubtful,
    print_header,
    print_page,
    print_way_on,
)
from langchain_durable.cli.waterfall import print_attempts
from langchain_durable.events import Entry, Outcome, RunStatus
from langchain_durable.journal import Header

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals
    from langchain_durable.reading.checkpoint import Checkpoint

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
    spent = _totals(entries, header)
    if as_json:
        shown = _json(checkpoint, header, attempts, spent, alive=alive)
        print_json({**shown, "jaeger": page or None})
        return
    console = make_console()
    print_header(console, header, attempts, spent)
    if page:
        print_page(console, page)
    console.print()
    print_attempts(console, attempts)
    print_checkpoint(console, checkpoint)
    if not alive and header.status in _UNFINISHED:
        print_doubtful(console, run_id, entries)
        print_way_on(console, header)


def _totals(entries: Sequence[Entry], header: Header) -> Totals:
    """What a run's calls came to."""
    from langchain_durable.costs import Ledger

    ledger = Ledger()
    ledger.add(entries, status=header.status, crashed=header.crashed)
    return ledger.total


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
