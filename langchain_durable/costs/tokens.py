"""The tokens of one model call, sorted by what they are charged as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from langchain_durable.costs import names
from langchain_durable.events import MOST_TOKENS, RefusedUsage, Usage

LARGEST = MOST_TOKENS
"""A larger number of tokens is not priced."""

_WHOLES = ("input", "output")
_PARTS = (
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "input_audio",
    "output_audio",
)
COUNTS = (*_WHOLES, *_PARTS)
"""The names of the counts, in the order of the fields."""

_TIERS = ("priority", "flex")
_DETAILS_5M, _DETAILS_1H = "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that one model call is charged for. Never negative, never contradictory.

    ``input`` and ``output`` are totals, as LangChain counts them: ``input`` holds
    ``cache_read``, ``cache_write`` and ``input_audio``, ``cache_write`` holds
    ``cache_write_5m`` and ``cache_write_1h``, ``output`` holds ``reasoning`` and
    ``output_audio``. ``tier`` is the service tier that the provider answered with
    (``priority``, ``flex``, ``fast``, ``batch``), empty for the standard one.

    Nothing raises. A total that is no count (negative, not an int, above ``LARGEST``) refuses
    the whole: all counts are 0 and ``refused`` says why. A part that is none is taken as 0, and
    one that is larger than its whole is cut to it: ``clamped`` says which.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0
    tier: str = ""
    estimated: bool = False
    refused: str = field(default="", compare=False)
    clamped: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not _is_sound(self):
            for name, value in _repaired(self).items():
                object.__setattr__(self, name, value)

    def __bool__(self) -> bool:
        """Whether there is anything to charge."""
        return self.input > 0 or self.output > 0

    @classmethod
    def from_usage(cls, usage: Usage) -> Tokens:
        """The tokens in a journal's usage."""
        if isinstance(usage, RefusedUsage):
            given, received = usage.came
            return cls(input=given, output=received)
        inputs, outputs = usage.input_details, usage.output_details
        if not inputs and not outputs:
            return cls(input=usage.input_tokens, output=usage.output_tokens)
        # langchain-openai puts the tier before the names of the details it applies to.
        tier = next((tier for tier in _TIERS if tier in inputs or tier in outputs), "")
        prefix = f"{tier}_" if tier else ""
        short, long = inputs.get(_DETAILS_5M) or 0, inputs.get(_DETAILS_1H) or 0
        return cls(
            input=usage.input_tokens,
            output=usage.output_tokens,
            cache_read=_detail(inputs, prefix, "cache_read"),
            cache_write=_written(_detail(inputs, prefix, "cache_creation"), short, long),
            cache_write_5m=short,
            cache_write_1h=long,
            reasoning=_detail(outputs, prefix, "reasoning"),
            input_audio=inputs.get("audio") or 0,
            output_audio=outputs.get("audio") or 0,
            tier=tier,
        )

    @classmethod
    def from_span(cls, attributes: Mapping[str, Any]) -> Tokens | None:
        """The tokens on a GenAI span, by whichever instrumentor; None if it has none.

        Names: the OpenTelemetry GenAI conventions, the deprecated ones, OpenLLMetry's and
        OpenInference's.
        """
        given, received = _first(attributes, names.INPUT), _first(attributes, names.OUTPUT)
        if given is None and received is None:
            return None
        tier = _first(attributes, names.SERVICE_TIER)
        return cls(
            input=given or 0,
            output=received or 0,
            cache_read=_first(attributes, names.CACHE_READ) or 0,
            cache_write=_first(attributes, names.CACHE_WRITE) or 0,
            reasoning=_first(attributes, names.REASONING) or 0,
            input_audio=_first(attributes, names.INPUT_AUDIO) or 0,
            output_audio=_first(attributes, names.OUTPUT_AUDIO) or 0,
            tier=tier if tier in _TIERS else "",
        )


def is_cache_hit(metadata: Mapping[str, Any] | None) -> bool:
    """Whether LangChain's LLM cache gave the answer.

    langchain-core marks it by ``usage_metadata["total_cost"] == 0`` and keeps the counts.
    """
    if metadata is None:
        return False
    cost = metadata.get("total_cost")
    return isinstance(cost, int | float) and not isinstance(cost, bool) and cost == 0


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = attributes.get(key)
        if value is not None:
            return value
    return None


def _detail(details: Mapping[str, int], prefix: str, name: str) -> int:
    return details.get(prefix + name) or details.get(name) or 0


def _written(generic: int, short: int, long: int) -> int:
    """All tokens written to a cache. langchain-anthropic sets the generic count to 0 where it
    knows how long they are kept, other releases repeat them in it."""
    kept = (short if _is_count(short) else 0) + (long if _is_count(long) else 0)
    return max(generic, kept) if _is_count(generic) else (kept or generic)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


_counts = attrgetter(*COUNTS)


def _is_sound(tokens: Tokens) -> bool:
    counts = _counts(tokens)
    return (
        set(map(type, counts)) == {int}
        and min(counts) >= 0
        and max(counts) <= LARGEST
        and tokens.cache_read + tokens.cache_write <= tokens.input
        and tokens.cache_write_5m + tokens.cache_write_1h <= tokens.cache_write
        and tokens.input_audio <= tokens.input
        and tokens.reasoning <= tokens.output
        and tokens.output_audio <= tokens.output
    )


def _repaired(tokens: Tokens) -> dict[str, Any]:
    wrong = [name for name in _WHOLES if not _is_count(getattr(tokens, name))]
    if wrong:
        came_as = ", ".join(f"{name}={_shown(getattr(tokens, name))}" for name in wrong)
        return {**dict.fromkeys(COUNTS, 0), "refused": f"{came_as} is no number of tokens"}
    came = dict(zip(COUNTS, _counts(tokens), strict=True))
    counts = {name: value if _is_count(value) else 0 for name, value in came.items()}
    # In this order: each is cut to what its whole has left.
    _cut(counts, "cache_read", counts["input"])
    _cut(counts, "cache_write", counts["input"] - counts["cache_read"])
    _cut(counts, "cache_write_1h", counts["cache_write"])
    _cut(counts, "cache_write_5m", counts["cache_write"] - counts["cache_write_1h"])
    _cut(counts, "input_audio", counts["input"])
    _cut(counts, "reasoning", counts["output"])
    _cut(counts, "output_audio", counts["output"])
    # The type too: True equals 1, and is no count.
    cut = [n for n in _PARTS if type(came[n]) is not int or came[n] != counts[n]]
    said = tuple(f"{name}={_shown(came[name])} taken as {counts[name]}" for name in cut)
    return {**counts, "clamped": said}


def _cut(counts: dict[str, int], name: str, most: int) -> None:
    counts[name] = min(counts[name], most)


def _shown(value: Any) -> str:
    """Short, and without calling what a foreign class has for ``repr``; a huge int has none."""
    if type(value) is int:
        return str(value) if abs(value) < 10**18 else "a huge number"
    if type(value) in (bool, float):
        return str(value)
    return f"a {type(value).__name__}"
