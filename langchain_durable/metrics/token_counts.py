"""A call's usage as the numbers that metrics take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from langchain_durable import semconv
from langchain_durable.events import MOST_TOKENS, RefusedUsage, Usage
from langchain_durable.spans.usage import usage_attributes

UNKNOWN = "unknown"
"""``gen_ai.token.modality`` of tokens that the provider does not sort by it."""

_MODALITIES: Mapping[str, Mapping[str, str]] = {
    semconv.USAGE_INPUT_TOKENS: {
        "text": semconv.USAGE_TEXT_INPUT,
        "image": semconv.USAGE_IMAGE_INPUT,
        "audio": semconv.USAGE_AUDIO_INPUT,
    },
    semconv.USAGE_OUTPUT_TOKENS: {
        "text": semconv.USAGE_TEXT_OUTPUT,
        "image": semconv.USAGE_IMAGE_OUTPUT,
        "audio": semconv.USAGE_AUDIO_OUTPUT,
    },
}


def token_counts(usage: Usage) -> dict[str, int]:
    """The counts by the attribute that a span tells them in, those left out that are absurd.

    One that no exporter can write loses it the whole batch.
    """
    told = {} if isinstance(usage, RefusedUsage) else usage_attributes(usage)
    return {
        name: count
        for name, count in told.items()
        if isinstance(count, int) and 0 <= count <= MOST_TOKENS
    }


def by_modality(counts: Mapping[str, int], attribute: str) -> Iterator[tuple[str, int]]:
    """A count in parts: (modality, tokens). The parts add up to the count.

    Source: ``gen_ai.token.modality`` of the conventions' usage counters (#374), where what is
    not known is ``unknown``.
    """
    whole = counts[attribute]
    names = _MODALITIES.get(attribute, {})
    parts = {modality: counts[name] for modality, name in names.items() if name in counts}
    rest = whole - sum(parts.values())
    if rest < 0:  # the provider contradicts itself
        yield UNKNOWN, whole
        return
    yield from parts.items()
    if rest or not parts:
        yield UNKNOWN, rest
