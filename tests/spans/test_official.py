"""What our spans say is what the official instrumentor's say, but for a list of differences."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from langchain_durable.spans.content import Capture, Content
from langchain_durable.testing.openai_server import ScriptedOpenAI
from tests.spans.listening import Listener
from tests.spans.official.programs import EXAMPLES, Example
from tests.spans.official.written import written

FIXTURES = Path(__file__).parent / "official"
OURS = "langchain_durable."
Span = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the official instrumentor says otherwise, and why we do not.

    ``change`` makes ours of one of its spans, and gives None for a span that we do not have.
    """

    reason: str
    where: Callable[[Example, Span], bool]
    change: Callable[[Example, Span], Span | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A span that the official instrumentor does not make."""

    reason: str
    example: str
    span: Span


def _text(value: str) -> Span:
    return {"type": "str", "value": value}


def _has(key: str, value: Any = None) -> Callable[[Example, Span], bool]:
    def has(example: Example, span: Span) -> bool:
        found = span["attributes"].get(key)
        return found is not None and (value is None or found["value"] == value)

    return has


def _without(*keys: str) -> Callable[[Example, Span], Span]:
    def without(example: Example, span: Span) -> Span:
        kept = {key: value for key, value in span["attributes"].items() if key not in keys}
        return {**span, "attributes": kept}

    return without


def _saying(span: Span, **said: Any) -> Span:
    return {**span, **said}


def _with(span: Span, attributes: dict[str, Span]) -> Span:
    return {**span, "attributes": dict(sorted({**span["attributes"], **attributes}.items()))}


def _is_planners(example: Example, span: Span) -> bool:
    return example.name == "deep" and "invoke_workflow planner" in (span["name"], span["parent"])


def _as_planner(example: Example, span: Span) -> Span:
    named = {"gen_ai.agent.name": _text("planner")}
    if span["parent"] is not None:
        called = _saying(span, parent="invoke_agent planner")
        return _with(called, named) if span["name"] == "execute_tool task" else called
    root = _saying(_without("gen_ai.workflow.name")(example, span), name="invoke_agent planner")
    return _with(root, {**named, "gen_ai.operation.name": _text("invoke_agent")})


def _conversation(example: Example, span: Span) -> Span:
    return _with(span, {"gen_ai.conversation.id": _text("thread-1")})


def _uninterrupted(example: Example, span: Span) -> Span:
    calm = _saying(span, status="UNSET", description=None)
    return _without("error.type")(example, calm)


_MACHINERY = ("Runnable", "ToolsAgentOutputParser")

DIFFERENCES = (
    Difference(
        reason="a finish reason that the provider did not give is not an error: it is left out",
        where=_has("gen_ai.response.finish_reasons", ["error"]),
        change=_without("gen_ai.response.finish_reasons"),
    ),
    Difference(
        reason="the convention wants the conversation on tools too, if it is known",
        where=lambda example, span: (
            span["name"].startswith("execute_tool")
            and (example.metadata.get("thread_id") or example.name == "interrupted")
        ),
        change=_conversation,
    ),
    Difference(
        reason="an interrupt asks a person: it is no error",
        where=_has("error.type", "langgraph.errors.GraphInterrupt"),
        change=_uninterrupted,
    ),
    Difference(
        reason="a sequence that fills in agent_scratchpad, and a parser, are no agents",
        where=lambda example, span: (
            span["attributes"]
            .get("gen_ai.agent.name", {"value": ""})["value"]
            .startswith(_MACHINERY)
        ),
        change=lambda example, span: None,
    ),
    Difference(
        reason="a deep agent is an agent, no workflow; its tools know who calls them",
        where=_is_planners,
        change=_as_planner,
    ),
    Difference(
        reason="langchain-openai calls Azure OpenAI azure; azure.ai.inference is another service",
        where=_has("gen_ai.provider.name", "azure.ai.inference"),
        change=lambda example, span: _with(
            span, {"gen_ai.provider.name": _text("azure.ai.openai")}
        ),
    ),
    Difference(
        reason="an answer out of LangChain's own cache has cost no tokens",
        where=lambda example, span: example.name == "cached",
        change=_without("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ),
    Difference(
        reason="an agent's answer has no finish reason of its own; an empty text is none",
        where=lambda example, span: (
            example.name == "content_agent" and span["name"].startswith("invoke_agent")
        ),
        change=lambda example, span: _with(
            span,
            {
                "gen_ai.output.messages": _text(
                    span["attributes"]["gen_ai.output.messages"]["value"].replace(
                        '"finish_reason":""', '"finish_reason":null'
                    )
                )
            },
        ),
    ),
)


def _span(name: str, attributes: dict[str, Any]) -> Span:
    types = {key: type(value).__name__ for key, value in attributes.items()}
    told = {key: {"type": types[key], "value": value} for key, value in attributes.items()}
    for key, value in attributes.items():
        if isinstance(value, list):
            told[key]["type"] = "str[]"
    plain: Span = {"parent": None, "status": "UNSET", "description": None, "events": []}
    return {"name": name, "kind": "CLIENT", **plain, "attributes": dict(sorted(told.items()))}


ADDITIONS = (
    Addition(
        reason="a call is a call, also of a model that does not say its name",
        example="no_name",
        span=_span("chat", {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "noname"}),
    ),
    Addition(
        reason="models that complete text are models (on_llm_start)",
        example="completion_without_name",
        span=_span(
            "text_completion",
            {
                "gen_ai.operation.name": "text_completion",
                "gen_ai.provider.name": "fakelist",
            },
        ),
    ),
    Addition(
        reason="models that complete text are models (on_llm_start)",
        example="completion",
        span=_span(
            "text_completion gpt-3.5-turbo-instruct",
            {
                "gen_ai.operation.name": "text_completion",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-3.5-turbo-instruct",
                "gen_ai.request.choice.count": 1,
                "gen_ai.request.frequency_penalty": 0.0,
                "gen_ai.request.presence_penalty": 0.0,
                "gen_ai.request.max_tokens": 256,
                "gen_ai.request.temperature": 0.7,
                "gen_ai.request.top_p": 1.0,
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.response.model": "gpt-3.5-turbo-instruct",
                "gen_ai.usage.input_tokens": 1,
                "gen_ai.usage.output_tokens": 2,
            },
        ),
    ),
)


def _official(example: Example) -> list[Span]:
    recorded = json.loads((FIXTURES / f"{example.name}.json").read_text(encoding="utf-8"))
    spans: list[Span] = recorded["spans"]
    return spans


def expected(example: Example) -> list[Span]:
    expected: list[Span] = []
    for official in _official(example):
        span: Span | None = official
        for difference in DIFFERENCES:
            if span is not None and difference.where(example, span):
                span = difference.change(example, span)
        if span is not None:
            expected.append(span)
    return expected + [added.span for added in ADDITIONS if added.example == example.name]


def _ours(example: Example, server: ScriptedOpenAI) -> list[Span]:
    server.add(*example.rules)
    listener = Listener(Content(Capture(example.capture or "NO_CONTENT")))
    raises: Any = pytest.raises(example.raises) if example.raises else contextlib.nullcontext()
    with raises:
        example.call(server.url, {"callbacks": [listener], "metadata": dict(example.metadata)})
    told: list[Span] = json.loads(json.dumps(written(listener.exporter.get_finished_spans())))
    return told


def split(spans: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """The spans with the convention's attributes only, and what they say beside these."""
    plain: list[Span] = []
    beside: list[Span] = []
    for span in spans:
        told = span["attributes"]
        kept = {key: value for key, value in told.items() if not key.startswith(OURS)}
        plain.append({**span, "attributes": kept})
        beside.append({k: v["value"] for k, v in told.items() if k.startswith(OURS)})
    return plain, beside


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_spans_say_what_the_official_ones_say(
    example: Example, model_server: ScriptedOpenAI
) -> None:
    ours, beside = split(_ours(example, model_server))
    assert ours == expected(example)
    hits = {f"{OURS}llm_cache_hit"} if example.name == "cached" else set()
    assert all(set(said) == {f"{OURS}outcome"} | hits for said in beside)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.reason)
def test_every_difference_is_still_one(difference: Difference) -> None:
    assert any(
        difference.where(example, span) and difference.change(example, span) != span
        for example in EXAMPLES
        for span in _official(example)
    )


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("tool", ["completed"]),
        ("failing_retriever", ["failed"]),
        ("tool_error", ["failed", "completed", "failed"]),
        ("cancelled", ["cancelled", "cancelled"]),
        ("interrupted", ["completed", "completed", "interrupted"] + ["completed"] * 3),
    ],
)
def test_an_outcome_tells_failures_cancels_and_interrupts_apart(
    name: str, outcomes: list[str], model_server: ScriptedOpenAI
) -> None:
    example = next(example for example in EXAMPLES if example.name == name)
    _, beside = split(_ours(example, model_server))
    assert [said[f"{OURS}outcome"] for said in beside] == outcomes
