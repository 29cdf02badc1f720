"""The attribute names that pricing writes, and those of other instrumentors that it reads.

Written: ``gen_ai.usage.cost.*`` as proposed for the GenAI conventions
(open-telemetry/semantic-conventions-genai#443), and ours.
Read, in this order: the GenAI conventions, their deprecated names, OpenLLMetry, OpenInference.
"""

from __future__ import annotations

from langchain_durable.semconv import COST_AMOUNT as COST_AMOUNT
from langchain_durable.semconv import COST_BOOK as COST_BOOK
from langchain_durable.semconv import COST_CURRENCY as COST_CURRENCY
from langchain_durable.semconv import COST_ESTIMATED as COST_ESTIMATED
from langchain_durable.semconv import COST_SOURCE as COST_SOURCE

USD = "USD"

FOREIGN_COSTS = (COST_AMOUNT, "gen_ai.usage.cost", "llm.cost.total", "operation.cost")
"""A span with one of these has its cost: from us, OpenLIT, OpenInference or Logfire."""

OPERATION = "gen_ai.operation.name"
OPENINFERENCE_KIND = "openinference.span.kind"
OPENLLMETRY_TYPE = "llm.request.type"
TRACELOOP_KIND = "traceloop.span.kind"

INFERENCE_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
INFERENCE_KINDS = frozenset({"LLM", "EMBEDDING"})
INFERENCE_TYPES = frozenset({"chat", "completion", "embedding"})

PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
REQUEST_MODEL = (
    "gen_ai.request.model",
    "llm.request.model",
    "llm.model_name",
    "embedding.model_name",
)
RESPONSE_MODEL = ("gen_ai.response.model", "llm.response.model")

INPUT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
OUTPUT = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)
CACHE_WRITE = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
INPUT_AUDIO = ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio")
OUTPUT_AUDIO = ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio")
SERVICE_TIER = ("openai.response.service_tier", "gen_ai.openai.response.service_tier")
