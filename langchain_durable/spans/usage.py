"""Tokens: what LangChain and completion APIs report, and what a span says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_durable import semconv
from langchain_durable.events import MOST_TOKENS, RefusedUsage, Usage
from langchain_durable.spans.start import Attributes

_INPUT = {
    "cache_read": semconv.USAGE_CACHE_READ,
    "text": semconv.USAGE_TEXT_INPUT,
    "image": semconv.USAGE_IMAGE_INPUT,
    "audio": semconv.USAGE_AUDIO_INPUT,
}
_OUTPUT = {
    "reasoning": semconv.USAGE_REASONING,
    "text": semconv.USAGE_TEXT_OUTPUT,
    "image": semconv.USAGE_IMAGE_OUTPUT,
    "audio": semconv.USAGE_AUDIO_OUTPUT,
}
_WRITES = ("cache_write", "cache_creation")
_TIMED_WRITES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


def usage_attributes(usage: Usage | None) -> Attributes:
    """The token attributes of an inference span; empty if the provider reported nothing.

    Parts (cache, reasoning, modalities) that are zero are left out, as the official
    instrumentor does. Counts that are no token counts (negative, not an int) are not told.
    """
    if usage is None:
        return {}
    told: Attributes = {
        semconv.USAGE_INPUT_TOKENS: _count(usage.input_tokens),
        semconv.USAGE_OUTPUT_TOKENS: _count(usage.output_tokens),
    }
    if usage.input_details:
        _parts(told, usage.input_details, _INPUT)
        written = _written(usage.input_details)
        if written:
            told[semconv.USAGE_CACHE_WRITE] = written
    if usage.output_details:
        _parts(told, usage.output_details, _OUTPUT)
    return told


def reported(metadata: Mapping[str, Any] | None) -> Usage | None:
    """LangChain's ``usage_metadata``; None if there is none.

    A total that is no number of tokens refuses the whole, as for ``Tokens``.
    """
    if not metadata:
        return None
    return _usage(
        metadata.get("input_tokens"),
        metadata.get("output_tokens"),
        metadata.get("total_tokens"),
        input_details=_details(metadata.get("input_token_details")),
        output_details=_details(metadata.get("output_token_details")),
    )


def counted(llm_output: Mapping[str, Any] | None) -> Usage | None:
    """The ``token_usage`` of a completion API's answer; None if there is none."""
    tokens = llm_output.get("token_usage") if llm_output else None
    if not isinstance(tokens, Mapping) or not tokens:
        return None
    return _usage(
        tokens.get("prompt_tokens"), tokens.get("completion_tokens"), tokens.get("total_tokens")
    )


def _usage(given: Any, received: Any, total: Any, **details: dict[str, int]) -> Usage:
    given = 0 if given is None else given
    received = 0 if received is None else received
    if not (_is_count(given) and _is_count(received)):
        return RefusedUsage(came=(given, received))
    return Usage(input_tokens=given, output_tokens=received, total_tokens=_count(total), **details)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST_TOKENS


def _count(value: Any) -> int:
    return value if _is_count(value) else 0


def _details(found: Any) -> dict[str, int]:
    if not found or not isinstance(found, Mapping):
        return {}
    # One that is no count stays one, for pricing to say so, and the journal can write it.
    return {
        str(key): max(-1, min(count, MOST_TOKENS + 1))
        for key, count in found.items()
        if type(count) is int
    }


def _parts(told: Attributes, details: Mapping[str, int], names: Mapping[str, str]) -> None:
    for key, count in details.items():
        attribute = names.get(key)
        if attribute is not None and _count(count):
            told[attribute] = count


def _written(details: Mapping[str, int]) -> int:
    """Tokens written to a cache; Anthropic's come by their time to live instead of as a sum."""
    for key in _WRITES:
        count = _count(details.get(key))
        if count:
            return count
    return sum(_count(details.get(key)) for key in _TIMED_WRITES)
