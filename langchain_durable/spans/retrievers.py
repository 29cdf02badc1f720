"""Retriever calls: ``retrieval`` spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.spans.start import Attributes, Start


def retriever_started(metadata: Mapping[str, Any] | None) -> Start:
    """What a retriever's span says when it starts: its store, and the model of its vectors."""
    told: Attributes = {semconv.OPERATION_NAME: semconv.RETRIEVAL}
    found = metadata or {}
    for key, attribute in (
        ("ls_vector_store_provider", semconv.PROVIDER_NAME),
        ("ls_embedding_model", semconv.REQUEST_MODEL),
    ):
        value = found.get(key)
        if value:
            told[attribute] = str(value)
    return Start(semconv.RETRIEVAL, SpanKind.CLIENT, told)


def retriever_ended(documents: Sequence[Any]) -> Attributes:
    """What a retriever's span says of its result: the convention has only content for it."""
    return {}
