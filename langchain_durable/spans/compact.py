"""What spans say, in the few bytes that a journal entry has for it, and back.

What follows from the step's kind and name is left out, and common attributes have short
keys. The result is plain data for msgpack. Keys and codes are on the wire: their meaning
never changes, and new ones are only added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.events import Entry, StepKind, StepStarted, Usage
from langchain_durable.spans.providers import UNKNOWN
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.spans.usage import usage_attributes

SPAN = "span"
"""Key in the attributes of a step's start and end that holds what this module makes."""

TOOL_CALL_ID = "tool_call_id"
"""Key in the attributes of a tool's start, for whom the call's id matters more than a span."""

CALL_ID = "ci"

_SHORT = {
    semconv.OPERATION_NAME: "o",
    semconv.PROVIDER_NAME: "p",
    semconv.REQUEST_MODEL: "m",
    semconv.CONVERSATION_ID: "c",
    semconv.REQUEST_STREAM: "s",
    semconv.REQUEST_TEMPERATURE: "t",
    semconv.REQUEST_TOP_P: "tp",
    semconv.REQUEST_TOP_K: "tk",
    semconv.REQUEST_FREQUENCY_PENALTY: "fp",
    semconv.REQUEST_PRESENCE_PENALTY: "pp",
    semconv.REQUEST_MAX_TOKENS: "mt",
    semconv.REQUEST_STOP_SEQUENCES: "ss",
    semconv.REQUEST_SEED: "sd",
    semconv.REQUEST_CHOICE_COUNT: "n",
    semconv.PROMPT_NAME: "pn",
    semconv.TOOL_NAME: "tn",
    semconv.TOOL_TYPE: "tt",
    semconv.TOOL_DESCRIPTION: "d",
    semconv.TOOL_CALL_ID: CALL_ID,
    semconv.AGENT_NAME: "a",
    semconv.AGENT_DESCRIPTION: "ad",
    semconv.WORKFLOW_NAME: "w",
    semconv.RESPONSE_ID: "i",
    semconv.RESPONSE_MODEL: "rm",
    semconv.RESPONSE_FINISH_REASONS: "f",
    semconv.RESPONSE_TIME_TO_FIRST_CHUNK: "fc",
}
_LONG = {short: long for long, short in _SHORT.items()}
_UNSAID = object()
_NAME = "_n"
_KIND = "_k"

_REASONS = (
    "stop",
    "tool_calls",
    "length",
    "content_filter",
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "STOP",
    "MAX_TOKENS",
)
_REASON_CODE = {reason: bytes((place,)) for place, reason in enumerate(_REASONS)}

_PROVIDERS = (
    "openai",
    "anthropic",
    "gcp.gen_ai",
    "gcp.vertex_ai",
    "gcp.gemini",
    "aws.bedrock",
    "azure.ai.openai",
    "azure.ai.inference",
    "mistral_ai",
    "groq",
    "deepseek",
    "x_ai",
    "cohere",
)
_PROVIDER_CODE = {name: code for code, name in enumerate(_PROVIDERS)}
_KINDS = (SpanKind.INTERNAL, SpanKind.CLIENT)


def compact(
    start: Start,
    *,
    kind: StepKind | None,
    name: str,
    seen: MutableMapping[str, str] | None = None,
) -> dict[str, Any]:
    """A start as the journal keeps it, beside the step's ``kind`` and ``name``.

    ``kind`` is None for a span that is no step (an agent). ``seen`` has the descriptions of
    the tools that this attempt has written already: one is written once, by the tool's name.
    """
    given = start.attributes
    span_kind, implied = _implied(kind, name)
    packed = _without(given, implied)
    if start.name != _name(given, name):
        packed[_NAME] = start.name
    if start.kind is not span_kind:
        packed[_KIND] = _KINDS.index(start.kind)
    if seen is not None:
        _once(packed, str(given.get(semconv.TOOL_NAME, name)), seen)
    return packed


def expand(
    packed: Mapping[str, Any],
    *,
    kind: StepKind | None,
    name: str,
    seen: Mapping[str, str] | None = None,
) -> Start:
    """The start that :func:`compact` made this of; ``seen`` by the same rule."""
    implied_kind, implied = _implied(kind, name)
    told = _merged(implied, packed)
    if told.get(semconv.TOOL_DESCRIPTION) is True:
        known = (seen or {}).get(str(told.get(semconv.TOOL_NAME, name)))
        told[semconv.TOOL_DESCRIPTION] = known or ""
    span_kind = _KINDS[packed[_KIND]] if _KIND in packed else implied_kind
    return Start(packed.get(_NAME) or _name(told, name), span_kind, told)


def remember(packed: Mapping[str, Any], *, name: str, seen: MutableMapping[str, str]) -> None:
    """Learn a tool's description from the entry that has it."""
    description = packed.get(_SHORT[semconv.TOOL_DESCRIPTION])
    if isinstance(description, str):
        seen[str(packed.get(_SHORT[semconv.TOOL_NAME], name))] = description


def descriptions(entries: Iterable[Entry]) -> dict[int, dict[str, str]]:
    """The tools' descriptions by attempt: one entry has each, not always the first of its tool."""
    seen: dict[int, dict[str, str]] = {}
    for entry in entries:
        if isinstance(entry.event, StepStarted):
            packed = entry.event.attributes.get(SPAN) or {}
            remember(packed, name=entry.event.name, seen=seen.setdefault(entry.attempt, {}))
    return seen


def told_provider(attributes: Mapping[str, Any]) -> str | None:
    """The provider of a model's call, from the attributes of its start."""
    found = (attributes.get(SPAN) or {}).get(_SHORT[semconv.PROVIDER_NAME])
    provider = _unpacked(_SHORT[semconv.PROVIDER_NAME], found)
    return provider if isinstance(provider, str) else None


def told_model(attributes: Mapping[str, Any], *, name: str) -> str:
    """The model that a call's span and its metrics name, from the attributes of its start.

    ``name`` is the step's: that of the model's class, where the call's parameters name no model.
    """
    _, implied = _implied(StepKind.MODEL, name)
    said = (attributes.get(SPAN) or {}).get(_SHORT[semconv.REQUEST_MODEL], _UNSAID)
    return str(implied[semconv.REQUEST_MODEL] if said is _UNSAID else said or name)


def compact_end(told: Mapping[str, Any], usage: Usage | None = None) -> dict[str, Any]:
    """What a span says at its end, without what follows from the entry's ``usage``.

    Outcome and error are not part of it: the entry has them.
    """
    return _without(told, usage_attributes(usage))


def expand_end(packed: Mapping[str, Any], usage: Usage | None = None) -> Attributes:
    """What :func:`compact_end` made this of."""
    return _merged(usage_attributes(usage), packed)


def _without(told: Mapping[str, Any], implied: Mapping[str, Any]) -> dict[str, Any]:
    """What is told and does not follow; None for what would follow, and is not told."""
    packed = {
        _SHORT.get(key, key): (
            _packed(key, value) if key in _CODED or type(value) is tuple else value
        )
        for key, value in told.items()
        if key not in implied or implied[key] != value
    }
    if not implied.keys() <= told.keys():
        packed.update({_SHORT.get(key, key): None for key in implied if key not in told})
    return packed


_CODED = frozenset({semconv.PROVIDER_NAME, semconv.RESPONSE_FINISH_REASONS})


def _merged(implied: Mapping[str, Any], packed: Mapping[str, Any]) -> Attributes:
    told = dict(implied)
    for key, value in packed.items():
        long = _LONG.get(key, key)
        if value is None:
            told.pop(long, None)
        elif key not in (_NAME, _KIND):
            told[long] = _unpacked(key, value)
    return told


def _packed(key: str, value: Any) -> Any:
    if key == semconv.PROVIDER_NAME:
        return _PROVIDER_CODE.get(value, value)
    if key == semconv.RESPONSE_FINISH_REASONS and type(value) is tuple and len(value) == 1:
        return _REASON_CODE.get(value[0], list(value))
    return list(value) if isinstance(value, tuple) else value


def _unpacked(key: str, value: Any) -> Any:
    if key == _SHORT[semconv.PROVIDER_NAME] and type(value) is int:
        return _PROVIDERS[value] if 0 <= value < len(_PROVIDERS) else UNKNOWN
    if key == _SHORT[semconv.RESPONSE_FINISH_REASONS] and type(value) is bytes:
        return tuple(_REASONS[place] for place in value if place < len(_REASONS))
    return tuple(value) if isinstance(value, list) else value


def _once(packed: dict[str, Any], tool: str, seen: MutableMapping[str, str]) -> None:
    key = _SHORT[semconv.TOOL_DESCRIPTION]
    description = packed.get(key)
    if description is None:
        return
    if seen.get(tool) == description:
        packed[key] = True
    else:
        seen[tool] = description


@lru_cache(256)
def _implied(kind: StepKind | None, name: str) -> tuple[SpanKind, Mapping[str, Any]]:
    """What is so for most steps of this kind and name. The span's name is left to `_name`."""
    if kind is StepKind.MODEL:
        told: Attributes = {
            semconv.OPERATION_NAME: semconv.CHAT,
            semconv.REQUEST_MODEL: name.removeprefix("models/"),
        }
        return SpanKind.CLIENT, told
    if kind is StepKind.TOOL:
        told = {
            semconv.OPERATION_NAME: semconv.EXECUTE_TOOL,
            semconv.TOOL_NAME: name,
            semconv.TOOL_TYPE: "function",
        }
        return SpanKind.INTERNAL, told
    if kind is StepKind.RETRIEVER:
        return SpanKind.CLIENT, {semconv.OPERATION_NAME: semconv.RETRIEVAL}
    return SpanKind.INTERNAL, {}


_SUBJECTS = {
    semconv.CHAT: semconv.REQUEST_MODEL,
    semconv.TEXT_COMPLETION: semconv.REQUEST_MODEL,
    semconv.EXECUTE_TOOL: semconv.TOOL_NAME,
    semconv.INVOKE_AGENT: semconv.AGENT_NAME,
    semconv.INVOKE_WORKFLOW: semconv.WORKFLOW_NAME,
}


def _name(told: Mapping[str, Any], name: str) -> str:
    """A span's name, from its operation and what that is done with."""
    operation = told.get(semconv.OPERATION_NAME)
    if operation is None:
        return semconv.span_name(semconv.FUNCTION_SPAN, name)
    subject = told.get(_SUBJECTS.get(str(operation), ""))
    return semconv.span_name(str(operation), str(subject) if subject else None)
