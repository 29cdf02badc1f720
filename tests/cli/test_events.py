"""``events``: the timeline."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli


def test_each_entry_is_a_line_in_order(filled: Cli) -> None:
    lines = filled("events", "done").out.splitlines()

    assert [line.split()[0] for line in lines] == ["seq", "1", "2", "3", "4", "5", "6"]
    assert "tool weigh started" in lines[2]
    assert "attempt ended: completed" in lines[-1]


def test_json_lines_form_one_trace_of_spans_with_parents(filled: Cli) -> None:
    entries = [json.loads(line) for line in filled("events", "crashed", "--json").out.splitlines()]

    assert [entry["type"] for entry in entries] == [
        "attempt_started",
        "step_started",
        "step_ended",
        "step_started",
    ]
    assert len({entry["trace_id"] for entry in entries}) == 1
    assert len(entries[0]["trace_id"]) == 32
    ((workflow, parent, *_),) = entries[1]["attributes"]["above"]
    assert parent == entries[0]["span_id"]
    assert {entry["parent_span_id"] for entry in entries[1:]} == {workflow}
    assert entries[1]["span_id"] == entries[2]["span_id"] != entries[3]["span_id"]


def test_a_step_that_has_a_price_says_it(priced: Cli) -> None:
    said = priced("events", "asked")
    entries = [json.loads(line) for line in priced("events", "asked", "--json").out.splitlines()]

    assert "model gpt-4o completed in 1.00 s, 1,500 tokens, $0.00600" in said.out
    ended = [entry for entry in entries if entry["type"] == "step_ended"]
    assert [entry["cost"] for entry in ended] == ["0.006", None, "0.00475"]
