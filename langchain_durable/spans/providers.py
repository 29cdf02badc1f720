"""Providers: LangChain's names for them as the convention spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"
"""The attribute is required: a model of which nothing is known has this provider."""

_SPELLED = {
    "amazon_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "google_genai": "gcp.gen_ai",
    "google_generativeai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "vertexai": "gcp.vertex_ai",
    "xai": "x_ai",
}


def provider_name(metadata: Mapping[str, Any] | None) -> str:
    """``gen_ai.provider.name`` from a model's metadata (``ls_provider``)."""
    named = metadata.get("ls_provider") if metadata else None
    if not isinstance(named, str) or not named:
        return UNKNOWN
    return _SPELLED.get(named, named)
