"""What a span says takes few bytes in the journal, and comes back whole."""

from __future__ import annotations

from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_openai import ChatOpenAI
from opentelemetry.trace import SpanKind
from pydantic import SecretStr

from langchain_durable import semconv
from langchain_durable.events import StepKind, Usage
from langchain_durable.spans.chains import agent_started
from langchain_durable.spans.compact import (
    SPAN,
    compact,
    compact_end,
    expand,
    expand_end,
    remember,
)
from langchain_durable.spans.functions import function_started
from langchain_durable.spans.models import model_started
from langchain_durable.spans.start import Start
from langchain_durable.spans.tools import tool_started

_THREAD = {"thread_id": "0190a3f2-6b7c-7d3e-9f10-2a4b6c8d0e1f"}
_TOOL = {"name": "weather", "description": "Look at the weather."}


def _through(packed: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = ormsgpack.unpackb(ormsgpack.packb(packed))
    return read


def test_a_chat_call_takes_no_more_than_sixty_bytes() -> None:
    model = ChatOpenAI(model="gpt-4o-mini", temperature=0.2, api_key=SecretStr("test"))
    params = model._get_invocation_params()
    metadata = {**_THREAD, **model._get_ls_params()}
    start = model_started(None, params, metadata, stream=True)
    packed = compact(start, kind=StepKind.MODEL, name="gpt-4o-mini")
    assert len(ormsgpack.packb({SPAN: packed})) <= 66  # of which 6 are the key
    assert expand(_through(packed), kind=StepKind.MODEL, name="gpt-4o-mini") == start


def test_an_answer_takes_little_more_than_its_id_and_model() -> None:
    usage = Usage(input_tokens=100, output_tokens=20, input_details={"cache_read": 64})
    told: dict[str, Any] = {
        semconv.USAGE_INPUT_TOKENS: 100,
        semconv.USAGE_OUTPUT_TOKENS: 20,
        semconv.USAGE_CACHE_READ: 64,
        semconv.RESPONSE_ID: "chatcmpl-1",
        semconv.RESPONSE_MODEL: "gpt-4o-mini-2024-07-18",
        semconv.RESPONSE_FINISH_REASONS: ("stop",),
    }
    packed = compact_end(told, usage)
    assert packed == {"i": "chatcmpl-1", "rm": "gpt-4o-mini-2024-07-18", "f": b"\0"}
    assert expand_end(_through(packed), usage) == told


def test_an_answer_that_does_not_tell_the_tokens_of_its_record_comes_back_without_them() -> None:
    usage = Usage(input_tokens=3, output_tokens=2)
    told: dict[str, Any] = {semconv.LLM_CACHE_HIT: True}
    assert expand_end(_through(compact_end(told, usage)), usage) == told


@pytest.mark.parametrize(
    ("start", "kind", "name"),
    [
        (model_started(None, {"model": "models/gemini"}, {}), StepKind.MODEL, "models/gemini"),
        (model_started(None, {}, {"ls_provider": "huggingface"}), StepKind.MODEL, "SomeModel"),
        (model_started(None, {"model": "a"}, None, completion=True), StepKind.MODEL, "a"),
        (model_started(None, {"model": "a", "stop": ["x"]}, None), StepKind.MODEL, "b"),
        (tool_started(_TOOL, _THREAD, "call-1", agent="boss"), StepKind.TOOL, "weather"),
        (tool_started(None, None), StepKind.TOOL, "tool"),
        (agent_started("boss", _THREAD), None, ""),
        (function_started("now"), StepKind.FUNCTION, "now"),
        (Start("my own name", SpanKind.CLIENT, {"app.key": 1}), StepKind.FUNCTION, "now"),
    ],
    ids=lambda value: value.name if isinstance(value, Start) else "",
)
def test_every_start_comes_back_whole(start: Start, kind: StepKind | None, name: str) -> None:
    assert expand(_through(compact(start, kind=kind, name=name)), kind=kind, name=name) == start


def test_a_tools_description_is_written_once_an_attempt() -> None:
    start = tool_started(_TOOL, None)
    written: dict[str, str] = {}
    first, second = (
        _through(compact(start, kind=StepKind.TOOL, name="weather", seen=written)) for _ in range(2)
    )
    assert first["d"] == "Look at the weather."
    assert second["d"] is True
    read: dict[str, str] = {}
    remember(second, name="weather", seen=read)
    remember(first, name="weather", seen=read)
    for packed in (first, second):
        assert expand(packed, kind=StepKind.TOOL, name="weather", seen=read) == start


_values = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
_keys = st.sampled_from(
    [
        value
        for key, value in vars(semconv).items()
        if key.isupper() and isinstance(value, str) and "." in value
    ]
)


@given(
    attributes=st.dictionaries(_keys, _values, max_size=8),
    kind=st.sampled_from([*StepKind, None]),
    name=st.text(max_size=10),
    span_name=st.text(min_size=1, max_size=10),
    span_kind=st.sampled_from([SpanKind.INTERNAL, SpanKind.CLIENT]),
)
def test_whatever_a_span_says_comes_back_whole(
    attributes: dict[str, Any],
    kind: StepKind | None,
    name: str,
    span_name: str,
    span_kind: SpanKind,
) -> None:
    attributes.pop(semconv.TOOL_DESCRIPTION, None)
    if type(attributes.get(semconv.PROVIDER_NAME)) is int:
        attributes.pop(semconv.PROVIDER_NAME)  # an int there is a code; providers are texts
    start = Start(span_name, span_kind, attributes)
    again = expand(_through(compact(start, kind=kind, name=name)), kind=kind, name=name)
    assert again == start
