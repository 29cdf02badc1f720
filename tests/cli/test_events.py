"""``events``: the timeline."""

from __future__ import annotations

import json
from typing import Any

from langchain.agents import create_agent

from langchain_durable import Durable
from tests.cli.conftest import Cli
from tests.cli.priced import chat, write_run
from tests.fakes import Model


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


def test_an_estimated_price_is_marked(cli: Cli) -> None:
    told = chat("gpt-4o", "Hm.", cost="0.001", more={"estimated": True})
    with Durable(cli.url) as durable:
        write_run(durable.connector.connect().store, "streamed", [[told]])
    for command in ("events", "replay"):
        said = cli(command, "streamed")
        assert "$0.00100 estimated" in said.out
    ended = json.loads(cli("events", "streamed", "--json").out.splitlines()[2])
    (step,) = json.loads(cli("replay", "streamed", "--json").out)["steps"]
    assert (ended["cost"], ended["cost_estimated"]) == ("0.001", True)
    assert (step["cost"], step["cost_estimated"]) == ("0.001", True)


def test_what_json_says_of_spans_is_in_their_own_words(cli: Cli) -> None:
    with Durable(cli.url) as durable:
        model = Model(answer=lambda messages: messages[-1].text)
        program: Any = durable.wrap(create_agent(model, [], name="clerk"))
        program.invoke({"messages": [("user", "hello")]}, durable.config("spoken"))
    lines = [json.loads(line) for line in cli("events", "spoken", "--json").out.splitlines()]
    started, ended, over = (entry["attributes"] for entry in lines[1:])

    ((_, _, _, agent),) = started["above"]
    assert (agent["name"], agent["kind"]) == ("invoke_agent clerk", "internal")
    assert agent["attributes"]["gen_ai.operation.name"] == "invoke_agent"
    assert (started["span"]["name"], started["span"]["kind"]) == ("chat fake", "client")
    assert started["span"]["attributes"]["gen_ai.operation.name"] == "chat"
    assert ended["span"]["attributes"]["gen_ai.usage.input_tokens"] == 3
    ((_, _, outcome, left),) = over["left"]
    assert (outcome, left) == ("completed", {"attributes": {}})
