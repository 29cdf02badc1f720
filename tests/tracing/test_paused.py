"""A run that pauses for a person: what its processes have told is all there, and once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from langchain_durable import semconv
from tests.servers import Server
from tests.zygote import run

Spans = dict[str, dict[str, Any]]


def attempt(server: Server, path: Path, *how: str) -> str:
    return run(["tests.tracing.asking", server.url, str(path), *how], module=True).out.strip()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def shown(path: Path) -> Spans:
    """What a backend shows: of spans with one id the last."""
    return {span["context"]["span_id"]: span for span in lines(path)}


def kinds(spans: Spans) -> Counter[str]:
    return Counter(span["name"].partition(" ")[0] for span in spans.values())


def assert_whole(spans: Spans) -> None:
    (root,) = [span for span in spans.values() if span["parent_id"] is None]
    assert root["name"].startswith("durable_run")
    assert all(span["parent_id"] in spans for span in spans.values() if span is not root)


def test_a_process_killed_after_its_question_loses_no_span(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "spans"
    assert attempt(own_server, path, "start", "batched", "after") == "asks"
    assert attempt(own_server, path, "yes", "batched") == "it is done"

    spans = shown(path)
    assert_whole(spans)
    assert kinds(spans) == Counter(
        {
            "durable_run": 1,
            "durable_attempt": 2,
            "invoke_agent": 2,
            "chat": 2,
            "execute_tool": 2,
        }
    )


def test_a_process_killed_when_it_has_drained_its_graphs_loses_no_span(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "spans"
    attempt(own_server, path, "start", "batched", "draining")
    before = len(lines(path))
    assert attempt(own_server, path, "start", "batched") == "it is done"

    assert_whole(shown(path))
    assert kinds(shown(path))["execute_tool"] == 1
    assert kinds(shown(path))["chat"] == 2
    assert len(lines(path)) == len(shown(path)) > before > 0


def test_a_process_killed_while_it_exits_loses_no_span_and_sends_none_again(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "spans"
    attempt(own_server, path, "start", "batched", "exiting")
    before = len(lines(path))
    assert attempt(own_server, path, "start", "batched") == "asks"
    assert attempt(own_server, path, "yes", "batched") == "it is done"

    assert_whole(shown(path))
    assert kinds(shown(path))["chat"] == 2
    assert len(lines(path)) == len(shown(path)) > before > 0


@pytest.mark.parametrize(
    "second", [("start", "nobody"), ("start", "nobody", "asking"), ("start", "batched", "asking")]
)
def test_what_a_crash_left_open_is_closed_by_a_later_attempt_that_exports(
    own_server: Server, tmp_path: Path, second: tuple[str, ...]
) -> None:
    path = tmp_path / "spans"
    attempt(own_server, path, "start", "at once", "asking")
    attempt(own_server, path, *second)
    third = "start" if "asking" in second else "yes"
    attempt(own_server, path, third, "batched")
    if third == "start":
        assert attempt(own_server, path, "yes", "batched") == "it is done"

    spans = shown(path)
    assert_whole(spans)
    assert kinds(spans)["execute_tool"] == kinds(spans)["durable_attempt"]


def test_spans_of_earlier_attempts_have_what_their_steps_answered(
    own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, "SPAN_ONLY")
    path = tmp_path / "spans"
    attempt(own_server, path, "start", "nobody")
    assert attempt(own_server, path, "yes", "batched") == "it is done"

    spans = shown(path).values()
    chats = [span for span in spans if span["name"].startswith("chat")]
    tools = [span for span in spans if span["name"].startswith("execute_tool")]
    assert len(chats) == len(tools) == 2
    assert all(semconv.OUTPUT_MESSAGES in span["attributes"] for span in chats)
    assert all(semconv.TOOL_CALL_ARGUMENTS in span["attributes"] for span in tools)


def test_what_is_out_is_not_exported_again_with_each_answer(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "spans"
    attempt(own_server, path, "start", "batched")
    before = len(lines(path))
    assert attempt(own_server, path, "yes", "batched") == "it is done"

    assert len(lines(path)) == len(shown(path)) > before > 0
