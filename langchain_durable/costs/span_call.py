"""What a GenAI span says of the call it stands for, by whichever instrumentor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from langchain_durable.costs import names
from langchain_durable.costs.tokens import Tokens


class Role(Enum):
    """What a span is to pricing."""

    INFERENCE = "inference"
    """A call that a provider charges for."""
    AROUND = "around"
    """An agent, workflow or tool: what it costs is what the calls in it cost."""
    OTHER = "other"
    """No GenAI span: HTTP, a database, the program's own."""


def role_of(attributes: Mapping[str, Any]) -> Role:
    """A span's role. The GenAI operation decides, then OpenInference's kind, then
    OpenLLMetry's request type."""
    for key, calls in (
        (names.OPERATION, names.INFERENCE_OPERATIONS),
        (names.OPENINFERENCE_KIND, names.INFERENCE_KINDS),
        (names.OPENLLMETRY_TYPE, names.INFERENCE_TYPES),
    ):
        value = attributes.get(key)
        if isinstance(value, str):
            return Role.INFERENCE if value in calls else Role.AROUND
    return Role.AROUND if names.TRACELOOP_KIND in attributes else Role.OTHER


def is_priced(attributes: Mapping[str, Any]) -> bool:
    """Whether somebody has put a cost on the span."""
    return any(key in attributes for key in names.FOREIGN_COSTS)


@dataclass(frozen=True, slots=True)
class SpanCall:
    """The call as pricing needs it; texts are empty and tokens None where the span has none."""

    provider: str
    model: str
    response_model: str
    tokens: Tokens | None

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> SpanCall:
        return cls(
            provider=_text(attributes, names.PROVIDER),
            model=_text(attributes, names.REQUEST_MODEL),
            response_model=_text(attributes, names.RESPONSE_MODEL),
            tokens=Tokens.from_span(attributes),
        )


def _text(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
    return ""
