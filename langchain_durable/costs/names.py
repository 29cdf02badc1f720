"""The names that other instrumentors give what pricing reads.

In this order: the GenAI conventions, their deprecated names, OpenLLMetry, OpenInference.
"""

from __future__ import annotations

from langchain_durable import semconv

FOREIGN_COSTS = (semconv.COST_AMOUNT, "gen_ai.usage.cost", "llm.cost.total", "operation.cost")
"""A span with one of these has its cost: from us, OpenLIT, OpenInference or Logfire."""

OPERATION = semconv.OPERATION_NAME
OPENINFERENCE_KIND = "openinference.span.kind"
OPENLLMETRY_TYPE = "llm.request.type"
TRACELOOP_KIND = "traceloop.span.kind"

INFERENCE_OPERATIONS = semconv.INFERENCE | {semconv.EMBEDDINGS}
INFERENCE_KINDS = frozenset({"LLM", "EMBEDDING"})
INFERENCE_TYPES = frozenset({"chat", "completion", "embedding"})

PROVIDER = (semconv.PROVIDER_NAME, "gen_ai.system", "llm.provider", "llm.system")
REQUEST_MODEL = (
    semconv.REQUEST_MODEL,
    "llm.request.model",
    "llm.model_name",
    "embedding.model_name",
)
RESPONSE_MODEL = (semconv.RESPONSE_MODEL, "llm.response.model")

INPUT = (
    semconv.USAGE_INPUT_TOKENS,
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
OUTPUT = (
    semconv.USAGE_OUTPUT_TOKENS,
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
CACHE_READ = (
    semconv.USAGE_CACHE_READ,
    "gen_ai.usage.cache_read_input_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)
CACHE_WRITE = (
    semconv.USAGE_CACHE_WRITE,
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    semconv.USAGE_REASONING,
    "gen_ai.usage.reasoning_tokens",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
INPUT_AUDIO = (semconv.USAGE_AUDIO_INPUT, "llm.token_count.prompt_details.audio")
OUTPUT_AUDIO = (semconv.USAGE_AUDIO_OUTPUT, "llm.token_count.completion_details.audio")
SERVICE_TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
