"""``langchain-durable events``: what happened in a run, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from langchain_durable.cli import spans, times
from langchain_durable.cli.history import replayed
from langchain_durable.cli.money import call, cost_of, exact, is_estimated
from langchain_durable.cli.opening import open_handle
from langchain_durable.cli.options import PREFIX, AsJson, Prefix, RunId, Url
from langchain_durable.cli.output import make_console, one_line, print_json_lines, print_table
from langchain_durable.cli.words import (
    decided_text,
    outcome_style,
    reason_text,
    replayed_text,
    status_style,
)
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Node,
    Outcome,
    StepEnded,
    StepStarted,
    Usage,
)
from langchain_durable.journal import HeaderField

Starts = dict[bytes, tuple[int, StepStarted]]
"""The last start of each step, with its attempt."""


def events(
    run_id: RunId, as_json: AsJson = False, url: Url = None, prefix: Prefix = PREFIX
) -> None:
    """Print a run's timeline. With --json: one line for each entry, with its span's ids."""
    with open_handle(url, prefix) as durable:
        trace = durable.header(run_id).text(HeaderField.TRACE)
        entries = durable.events(run_id)
    if as_json:
        print_json_lines(entries_json(entries, trace))
        return
    console = make_console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("seq", justify="right", no_wrap=True)
    table.add_column("time", no_wrap=True)
    table.add_column("attempt", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    started: Starts = {}
    for entry in entries:
        if isinstance(entry.event, StepStarted):
            started[entry.event.step] = entry.attempt, entry.event
        what = describe(entry, started)
        table.add_row(str(entry.seq), times.clock(entry.event.time), str(entry.attempt), what)
    print_table(console, table)


def describe(entry: Entry, started: Starts) -> Text:
    """An entry in words. ``started`` has the starts so far."""
    match entry.event:
        case AttemptStarted():
            return Text("attempt started", style="bold")
        case StepStarted() as event:
            return Text.assemble((f"{event.kind.value} ", "dim"), one_line(event.name), " started")
        case StepEnded() as event:
            attempt, start = started.get(event.step, (entry.attempt, None))
            if start is not None and attempt != entry.attempt:
                return decided_text(start.name, given=event.recorded)
            return _ended(event, start)
        case AttemptEnded() as event:
            text = Text.assemble(
                ("attempt ended: ", "bold"), (event.status.value, status_style(event.status))
            )
            if event.reason:
                text.append(f" ({one_line(event.reason, 60)})", style="dim")
            text.append_text(replayed_text(replayed(event)))
            return _with_reason(text, None, event.error)


def _ended(event: StepEnded, start: StepStarted | None) -> Text:
    if start is None:
        return Text(f"step {event.step.hex()} {event.outcome.value}")
    text = Text.assemble(
        (f"{start.kind.value} ", "dim"),
        one_line(start.name),
        " ",
        (event.outcome.value, outcome_style(event.outcome)),
        f" in {times.span(max(0, event.time - start.time) / 1e9)}",
    )
    if event.usage is not None:
        text.append(f", {event.usage.total_tokens:,} tokens", style="dim")
    cost = cost_of(event.attributes)
    if cost is not None:
        estimated = is_estimated(event.attributes)
        text.append(f", {call(cost, estimated=estimated)}", style="dim")
    if not event.recorded:
        text.append(", without its result: it will run again", style="yellow")
    return _with_reason(text, event.outcome, event.error)


def _with_reason(text: Text, outcome: Outcome | None, error: ErrorInfo | None) -> Text:
    if error is None:
        return text
    return text.append("  ").append_text(reason_text(outcome, error, 200))


def entries_json(entries: Sequence[Entry], trace: str) -> Iterator[dict[str, Any]]:
    """Entries as JSON, oldest first. ``trace`` is the run's trace, if attempts do not say."""
    from langchain_durable.spans.compact import descriptions

    starts: dict[bytes, StepStarted] = {}
    attempts: dict[int, str] = {}
    seen = descriptions(entries)
    for entry in entries:
        common = {
            "seq": entry.seq,
            "attempt": entry.attempt,
            "time": times.iso(entry.event.time),
            "trace_id": trace,
        }
        size = len(entry.payload) if entry.payload is not None else None
        match entry.event:
            case AttemptStarted() as event:
                trace = event.trace_id or trace
                attempts[entry.attempt] = event.span_id
                yield {**common, "trace_id": trace, **_attempt_started(event)}
            case StepStarted() as event:
                starts[event.step] = event
                yield {**common, **_step_started(event, seen[entry.attempt]), "payload_bytes": size}
            case StepEnded() as event:
                ended = _step_ended(event, starts.get(event.step))
                yield {**common, **ended, "payload_bytes": size}
            case AttemptEnded() as event:
                span = attempts.get(entry.attempt, "")
                ended = _attempt_ended(event, span)
                yield {**common, **ended, "payload_bytes": size}


def _attempt_started(event: AttemptStarted) -> dict[str, Any]:
    return {
        "type": "attempt_started",
        "span_id": event.span_id,
        "owner": event.owner,
        "linked_trace_id": event.linked_trace_id,
        "linked_span_id": event.linked_span_id,
    }


def _step_started(event: StepStarted, seen: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "step_started",
        "step": event.step.hex(),
        "kind": event.kind.value,
        "name": event.name,
        "span_id": event.span_id,
        "parent_span_id": event.parent_span_id,
        "nodes": [_node(node) for node in event.nodes],
        "attributes": _plain(spans.of_start(event, seen)),
    }


def _step_ended(event: StepEnded, start: StepStarted | None) -> dict[str, Any]:
    cost = cost_of(event.attributes)
    return {
        "type": "step_ended",
        "step": event.step.hex(),
        "kind": start.kind.value if start else None,
        "name": start.name if start else None,
        "span_id": start.span_id if start else None,
        "parent_span_id": start.parent_span_id if start else None,
        "outcome": event.outcome.value,
        "duration": max(0, event.time - start.time) / 1e9 if start else None,
        "recorded": event.recorded,
        "error": error_json(event.error),
        "usage": usage_json(event.usage),
        "cost": None if cost is None else exact(cost),
        "cost_estimated": is_estimated(event.attributes),
        "attributes": _plain(spans.of_end(event)),
    }


def _attempt_ended(event: AttemptEnded, span: str) -> dict[str, Any]:
    return {
        "type": "attempt_ended",
        "span_id": span,
        "status": event.status.value,
        "reason": event.reason,
        "error": error_json(event.error),
        "fatal": [step.hex() for step in event.fatal],
        "attributes": _plain(spans.spelled(event.attributes)),
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id.hex(),
        "parent": node.parent.hex(),
        "label": node.label,
        "ordinal": node.ordinal,
    }


def error_json(error: ErrorInfo | None) -> dict[str, str] | None:
    """An error as JSON; None for none."""
    if error is None:
        return None
    return {"type": f"{error.module}.{error.qualname}", "message": error.message}


def usage_json(usage: Usage | None) -> dict[str, Any] | None:
    """A call's tokens as JSON; None for none."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "input_details": usage.input_details,
        "output_details": usage.output_details,
    }


def _plain(attributes: dict[str, Any]) -> Any:
    from langchain_durable.jsonable import jsonable

    return jsonable(attributes)
