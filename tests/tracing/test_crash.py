"""One run, one trace: whatever is killed when, the backend has every step once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langchain_durable import Durable
from langchain_durable.events import StepEnded, StepStarted
from tests.servers import Server
from tests.tracing.traced import RUN
from tests.zygote import Said, run

CALLS = 5
"""Model and tool calls of the program."""


def attempt(url: str, spans: Path, call: int, how: str) -> Said:
    return run(["tests.tracing.traced", url, str(spans), str(call), how], module=True)


def exported(path: Path) -> list[dict[str, Any]]:
    """What a backend shows: a span that came twice, and is the same, once.

    Its resource is that of the process which exported it: the SDK numbers processes.
    """
    spans: dict[str, dict[str, Any]] = {}
    for line in path.read_text("utf-8").splitlines():
        span = json.loads(line)
        span["resource"]["attributes"].pop("service.instance.id", None)
        spans[json.dumps(span, sort_keys=True)] = span
    return [*spans.values()]


KILLS = [(call, how) for call in range(1, CALLS + 1) for how in ("at once", "batched")]
QUICK = [(2, "batched"), (3, "at once")]


@pytest.mark.parametrize(
    ("call", "how"),
    [*QUICK, *(pytest.param(*kill, marks=pytest.mark.soak) for kill in KILLS if kill not in QUICK)],
)
def test_a_killed_run_is_one_whole_trace(
    own_server: Server, tmp_path: Path, call: int, how: str
) -> None:
    path = tmp_path / "spans"
    assert attempt(own_server.url, path, call, how).code == -9
    finished = attempt(own_server.url, path, 0, how)
    assert finished.out.strip() == "both are there", finished.err

    spans = exported(path)
    by_id = {span["context"]["span_id"]: span for span in spans}
    assert len({span["context"]["trace_id"] for span in spans}) == 1
    assert len(by_id) == len(spans), "a span came twice, and differs"
    (root,) = [span for span in spans if span["parent_id"] is None]
    assert root["name"].startswith("durable_run")
    assert all(span["parent_id"] in by_id for span in spans if span is not root), "an orphan"

    names = Counter(_kind(span) for span in spans)
    killed = 1
    assert names["durable_attempt"] == names["invoke_agent"] == 2
    assert names["chat"] + names["execute_tool"] == CALLS + killed
    crashed = [
        _kind(span) for span in spans if span["attributes"].get("error.type") == "process_crash"
    ]
    step = "chat" if call % 2 else "execute_tool"
    assert Counter(crashed) == Counter(["durable_attempt", "invoke_agent", step])
    # The program's own spans are lost with the exporter's queue: nobody journals them.
    assert names["database"] == (2 if how == "at once" else (call <= 2) + (call <= 4))
    for span in spans:
        if span["name"] == "database":
            assert by_id[span["parent_id"]]["name"] == "execute_tool look_up"


@pytest.mark.parametrize(
    "spans_out",
    [
        each if each in (1, 8) else pytest.param(each, marks=pytest.mark.soak)
        for each in range(1, 11)
    ],
)
def test_no_span_that_is_out_ends_in_another_way_afterwards(
    own_server: Server, tmp_path: Path, spans_out: int
) -> None:
    path = tmp_path / "spans"
    assert attempt(own_server.url, path, spans_out, "by export").code == -9
    assert attempt(own_server.url, path, 0, "at once").out.strip() == "both are there"

    spans = exported(path)
    ids = Counter(span["context"]["span_id"] for span in spans)
    twice = [span["name"] for span in spans if ids[span["context"]["span_id"]] > 1]
    assert twice == [], "a span came twice, and differs"


def _kind(span: dict[str, Any]) -> str:
    return str(span["name"]).partition(" ")[0]


def test_the_exported_steps_are_those_of_the_journal(own_server: Server, tmp_path: Path) -> None:
    path = tmp_path / "spans"
    attempt(own_server.url, path, 4, "at once")
    attempt(own_server.url, path, 0, "at once")

    with Durable(own_server.url) as durable:
        events = [entry.event for entry in durable.events(RUN)]
    started = {event.span_id for event in events if isinstance(event, StepStarted)}
    ended = [event for event in events if isinstance(event, StepEnded)]
    steps = {
        span["context"]["span_id"].removeprefix("0x")
        for span in exported(path)
        if "langchain_durable.step" in span["attributes"]
    }
    assert steps == started
    assert len(started) == len(ended) + 1


def test_a_finished_run_that_is_called_again_makes_no_span(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "spans"
    attempt(own_server.url, path, 0, "at once")
    before = path.read_text("utf-8")

    again = attempt(own_server.url, path, 0, "at once")

    assert again.out.strip() == "both are there"
    assert path.read_text("utf-8") == before
