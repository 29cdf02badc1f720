"""What a span says when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from langchain_durable import semconv

Attributes = dict[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Start:
    """Name, kind and attributes of a span as it is started, so that samplers see them."""

    name: str
    kind: SpanKind
    attributes: Attributes = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """The convention's operation name; empty for a span that is only ours."""
        return str(self.attributes.get(semconv.OPERATION_NAME, ""))


def conversation_id(metadata: Mapping[str, Any] | None) -> str | None:
    """The conversation that a call says it belongs to.

    Never made up: the convention forbids a new id, a trace id or a hash in its place.
    """
    if not metadata:
        return None
    for key in ("thread_id", "session_id", "conversation_id"):
        found = metadata.get(key)
        if found:
            return str(found)
    return None
