"""Instrumentors of providers' SDKs, kept from making a second span of a model call of ours."""

from __future__ import annotations

import sys
from typing import Any

from opentelemetry.context import Context, set_value

_OFFICIAL = "opentelemetry.util.genai.invocation"
_TRACELOOP = "opentelemetry.semconv_ai"
_SUPPRESS = "suppress_language_model_instrumentation"
"""The key that OpenLLMetry's instrumentors look for."""


def within_a_model_call(context: Context) -> Context:
    """The context of a model call, in which its provider's SDK makes no span of its own.

    Its tokens and its cost would be counted twice. HTTP spans are made as ever. For the
    instrumentors of OpenTelemetry's GenAI family, and for OpenLLMetry's; nothing is set where
    they are not loaded.
    """
    official: Any = sys.modules.get(_OFFICIAL)
    if official is not None and hasattr(official, "InferenceData"):
        context = set_value(
            official.CLIENT_INFERENCE_CONTEXT_KEY, official.InferenceData(), context
        )
    if _TRACELOOP in sys.modules:
        context = set_value(_SUPPRESS, True, context)
    return context
