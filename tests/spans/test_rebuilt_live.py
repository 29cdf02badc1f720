"""A span that is rebuilt from the journal is the one that was live, whatever the call was."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langchain_durable import semconv
from langchain_durable.events import Event, StepEnded, StepKind, StepStarted, Usage
from langchain_durable.spans.compact import SPAN, compact, compact_end
from langchain_durable.spans.content import Content
from langchain_durable.spans.outcomes import describe as describe_error
from langchain_durable.spans.outcomes import outcome_of
from langchain_durable.spans.rebuild import rebuilt
from langchain_durable.spans.runs import identity
from langchain_durable.testing.openai_server import ScriptedOpenAI
from tests.spans.journals import RUN_ID, entries_of, header
from tests.spans.listening import Heard, Listener
from tests.spans.official.programs import EXAMPLES, Example

_KINDS = {
    "chat": StepKind.MODEL,
    "text_completion": StepKind.MODEL,
    "execute_tool": StepKind.TOOL,
    "retrieval": StepKind.RETRIEVER,
}


def _calls(example: Example, server: ScriptedOpenAI) -> list[Heard]:
    server.add(*example.rules)
    listener = Listener(Content())
    raises: Any = pytest.raises(example.raises) if example.raises else contextlib.nullcontext()
    with raises:
        example.call(server.url, {"callbacks": [listener], "metadata": dict(example.metadata)})
    return [heard for heard in listener.heard.values() if heard.start.operation in _KINDS]


def _recorded(heard: Heard, number: int, seen: dict[str, str]) -> tuple[Event, Event]:
    kind = _KINDS[heard.start.operation]
    told = heard.start.attributes
    name = str(told.get(semconv.REQUEST_MODEL) or told.get(semconv.TOOL_NAME) or "SomeClass")
    usage = Usage(input_tokens=3, output_tokens=2, total_tokens=5)
    counted = usage if semconv.USAGE_INPUT_TOKENS in heard.ended else None
    step = number.to_bytes(8)
    packed = compact(heard.start, kind=kind, name=name, seen=seen)
    started = StepStarted(
        time=heard.span.start_time,  # type: ignore[attr-defined]  # the SDK's span has it
        span_id=f"{number:016x}",
        step=step,
        kind=kind,
        name=name,
        parent_span_id="f" * 16,
        attributes={SPAN: packed},
    )
    ended = StepEnded(
        time=heard.span.end_time,  # type: ignore[attr-defined]  # the SDK's span has it
        step=step,
        outcome=outcome_of(heard.error),
        error=describe_error(heard.error) if heard.error is not None else None,
        usage=counted,
        attributes={SPAN: compact_end(heard.ended, counted)},
    )
    return started, ended


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if not example.capture], ids=lambda item: item.name
)
def test_a_rebuilt_span_is_the_live_one(example: Example, model_server: ScriptedOpenAI) -> None:
    heard = _calls(example, model_server)
    assert heard
    seen: dict[str, str] = {}
    events = [
        event for number, one in enumerate(heard, 1) for event in _recorded(one, number, seen)
    ]
    entries = entries_of(*((1, event) for event in events))
    scope = InstrumentationScope("langchain_durable")
    spans = rebuilt(entries, header(), resource=Resource({}), scope=scope)
    by_id = {span.context.span_id: span for span in spans}
    for number, one in enumerate(heard, 1):
        live: Any = one.span
        again = by_id[number]
        marks = identity(RUN_ID, 1, number.to_bytes(8))
        assert dict(again.attributes or {}) == {**live.attributes, **marks}
        assert (again.name, again.kind) == (live.name, live.kind)
        assert (again.start_time, again.end_time) == (live.start_time, live.end_time)
        assert again.status.status_code is live.status.status_code
        assert (again.status.description or "") == (live.status.description or "")
