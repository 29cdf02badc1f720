"""Content on spans: off by default, redacted, within its budget, and valid JSON."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_durable import semconv
from langchain_durable.spans.content import Capture, Content, capture_from_environment
from langchain_durable.spans.fitting import fitted, to_json

_LONG = [HumanMessage("first " + "x" * 50_000), AIMessage("second"), HumanMessage("third")]


def _result(message: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message)])


def _on(**options: Any) -> Content:
    return Content(Capture.SPAN_ONLY, **options)


# -- switching it on ----------------------------------------------------------------------------


@pytest.mark.parametrize("capture", [Capture.NO_CONTENT, Capture.EVENT_ONLY])
def test_nothing_is_captured_on_spans_unless_it_is_switched_on(capture: Capture) -> None:
    content = Content(capture)
    assert content.model_input(_LONG, {"tools": [{}]}) == {}
    assert content.model_output(_result(AIMessage("x"))) == {}
    assert content.tool_input({"a": 1}) == content.tool_output("x") == {}
    assert content.retriever_input("x") == content.retriever_output([]) == {}
    assert content.chain_input({"a": 1}) == content.chain_output("x") == {}


@pytest.mark.parametrize(
    ("value", "capture"),
    [
        (None, Capture.NO_CONTENT),
        ("", Capture.NO_CONTENT),
        ("span_only", Capture.SPAN_ONLY),
        (" SPAN_AND_EVENT ", Capture.SPAN_AND_EVENT),
        ("EVENT_ONLY", Capture.EVENT_ONLY),
    ],
)
def test_the_conventions_variable_is_honoured(
    value: str | None, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(semconv.CAPTURE_CONTENT_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, value)
    assert capture_from_environment() is capture


def test_a_value_that_is_none_captures_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(semconv.CAPTURE_CONTENT_VARIABLE, "true")
    assert capture_from_environment() is Capture.NO_CONTENT
    assert "is 'true', so" in caplog.text
    assert "SPAN_AND_EVENT" in caplog.text


# -- redaction ----------------------------------------------------------------------------------


def test_a_hook_sees_plain_data_and_says_what_is_captured() -> None:
    def redact(value: Any) -> Any:
        return json.loads(json.dumps(value).replace("Oslo", "***"))

    told = _on(redact=redact).model_input("To Oslo", {})
    assert "Oslo" not in told[semconv.INPUT_MESSAGES]
    assert "To ***" in told[semconv.INPUT_MESSAGES]


def test_a_hook_may_leave_a_value_out() -> None:
    assert _on(redact=lambda value: None).tool_input({"a": 1}) == {}


def test_a_hook_that_raises_captures_nothing_and_warns_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def redact(value: Any) -> Any:
        raise KeyError("broken")

    content = _on(redact=redact)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert content.model_input("Hello", {}) == {}
    assert len(caplog.records) == 1
    assert "redaction hook" in caplog.text


def test_a_hook_may_give_what_json_does_not_know() -> None:
    told = _on(redact=lambda value: {1: object(), "n": float("nan")}).tool_input("x")
    assert json.loads(told[semconv.TOOL_CALL_ARGUMENTS]) == {"1": "<object>", "n": "nan"}


# -- the budget ---------------------------------------------------------------------------------


def test_long_content_is_cut_and_stays_valid_json() -> None:
    told = _on(budget=2_000).model_input(_LONG, {})
    messages = json.loads(told[semconv.INPUT_MESSAGES])
    assert len(told[semconv.INPUT_MESSAGES]) <= 2_000
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["parts"][0]["content"] == "third"
    assert told[semconv.TRUNCATED_BYTES] > 48_000


def test_of_many_messages_the_last_ones_are_kept() -> None:
    many = [HumanMessage(f"number {number}") for number in range(1_000)]
    messages = json.loads(_on(budget=5_000).model_input(many, {})[semconv.INPUT_MESSAGES])
    assert messages[-1]["parts"][0]["content"] == "number 999"
    assert 10 < len(messages) < 1_000


def test_what_was_left_out_of_an_output_adds_to_that_of_its_input() -> None:
    content = _on(budget=100)
    before = content.tool_input({"text": "x" * 1_000})
    after = content.tool_output("y" * 1_000, before)
    assert after[semconv.TOOL_CALL_RESULT] == "y" * 100
    assert after[semconv.TRUNCATED_BYTES] == before[semconv.TRUNCATED_BYTES] + 900


def test_ten_megabytes_are_captured_within_the_budget() -> None:
    told = _on().model_input([HumanMessage("x" * 10_000_000)], {})
    assert len(told[semconv.INPUT_MESSAGES]) <= 65_536
    assert told[semconv.TRUNCATED_BYTES] > 9_900_000


def test_a_text_is_cut_between_characters() -> None:
    told = _on(budget=5).tool_output("\N{EURO SIGN}" * 4)
    assert told[semconv.TOOL_CALL_RESULT] == "\N{EURO SIGN}"


def test_a_lone_surrogate_can_be_exported() -> None:
    told = _on().tool_output("a\udc80b")
    assert told[semconv.TOOL_CALL_RESULT].encode() == b"a\\udc80b"


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=300)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(value=_json, budget=st.integers(min_value=4, max_value=500))
def test_whatever_fits_is_whole_and_the_rest_is_counted(value: Any, budget: int) -> None:
    kept, missing = fitted(value, budget)
    assert (kept == value) if missing == 0 else (len(to_json(kept)) <= budget)
    assert (missing == 0) is (len(to_json(value)) <= budget)


# -- what is captured ---------------------------------------------------------------------------


def _parts(message: Any) -> Any:
    told = _on().model_input([message], {})
    return json.loads(told[semconv.INPUT_MESSAGES])[0]["parts"]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "Hi"}, {"content": "Hi", "type": "text"}),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"mime_type": "image/png", "modality": "image", "content": "AAAA", "type": "blob"},
        ),
        (
            {"type": "image", "file_id": "file-1", "mime_type": "image/png"},
            {"mime_type": "image/png", "modality": "image", "file_id": "file-1", "type": "file"},
        ),
        (
            {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
            {"mime_type": "audio/wav", "modality": "audio", "content": "AAAA", "type": "blob"},
        ),
    ],
)
def test_the_parts_of_a_message(block: Any, part: Any) -> None:
    content: Any = [{"type": "text", "text": "See:"}, block]
    assert _parts(HumanMessage(content)) == [{"content": "See:", "type": "text"}, part]


def test_reasoning_and_tool_calls_are_parts_of_an_answer() -> None:
    thought = {"type": "reasoning", "reasoning": "Hm."}
    call = {"name": "add", "args": {"left": 1}, "id": "call-1", "type": "tool_call"}
    answer = AIMessage([thought, {"type": "text", "text": "Yes."}], tool_calls=[call])
    told = json.loads(_on().model_output(_result(answer))[semconv.OUTPUT_MESSAGES])
    assert told[0]["parts"] == [
        {"content": "Hm.", "type": "reasoning"},
        {"content": "Yes.", "type": "text"},
        {"arguments": {"left": 1}, "name": "add", "id": "call-1", "type": "tool_call"},
    ]


def test_a_tools_message_is_the_response_to_its_call() -> None:
    assert _parts(ToolMessage("3", tool_call_id="call-1")) == [
        {"response": "3", "id": "call-1", "type": "tool_call_response"}
    ]


def test_instructions_beside_the_messages_are_told_apart_from_them() -> None:
    told = _on().model_input([SystemMessage("A"), HumanMessage("B")], {"instructions": "C"})
    assert json.loads(told[semconv.SYSTEM_INSTRUCTIONS]) == [{"content": "C", "type": "text"}]
    roles = [message["role"] for message in json.loads(told[semconv.INPUT_MESSAGES])]
    assert roles == ["system", "user"]


@pytest.mark.parametrize(
    ("tool", "definition"),
    [
        (
            {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}},
            {"name": "add", "description": None, "parameters": {"type": "object"}},
        ),
        (
            {"name": "add", "description": "Add.", "input_schema": {"type": "object"}},
            {"name": "add", "description": "Add.", "parameters": {"type": "object"}},
        ),
    ],
)
def test_functions_are_defined_as_the_convention_wants_it(tool: Any, definition: Any) -> None:
    told = _on().model_input("Hi", {"tools": [tool]})
    assert json.loads(told[semconv.TOOL_DEFINITIONS]) == [{**definition, "type": "function"}]


def test_a_tool_that_runs_at_the_provider_has_only_a_name_and_a_type() -> None:
    told = _on().model_input("Hi", {"tools": [{"type": "web_search"}]})
    assert json.loads(told[semconv.TOOL_DEFINITIONS]) == [
        {"name": "web_search", "type": "web_search"}
    ]


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ("Hello", "Hello"),
        ({"question": "Why?", "empty": None}, '{"question": "Why?"}'),
        ({"messages": [("user", "Hello")]}, "Hello"),
        ({"messages": [{"role": "user", "content": "Hello"}]}, "Hello"),
    ],
)
def test_the_input_of_a_chain_is_its_messages_or_all_of_it(inputs: Any, text: str) -> None:
    told = json.loads(_on().chain_input(inputs)[semconv.INPUT_MESSAGES])
    assert told == [{"role": "user", "parts": [{"content": text, "type": "text"}], "name": None}]


@pytest.mark.parametrize("output", ["Bye", AIMessage("Bye"), {"messages": [AIMessage("Bye")]}])
def test_the_output_of_a_chain_is_its_last_answer(output: Any) -> None:
    (told,) = json.loads(_on().chain_output(output)[semconv.OUTPUT_MESSAGES])
    assert told["parts"] == [{"content": "Bye", "type": "text"}]


@pytest.mark.parametrize("value", [None, 7, {"a": 1}, {"messages": object()}, []])
def test_a_chain_that_ends_without_a_message_has_no_output(value: Any) -> None:
    assert _on().chain_output(value) == {}
