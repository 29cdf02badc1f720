"""Every name that our telemetry uses, in one place: attributes, operations, metrics.

``gen_ai.*`` and ``error.*`` are OpenTelemetry's GenAI semantic conventions (repository
open-telemetry/semantic-conventions-genai, all of it in development); what they have no name
for is ``langchain_durable.*``. The convention renames some metrics: a :class:`Profile` says
which names are emitted. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Which release of the conventions' metrics is emitted. Spans are the same in both."""

    CURRENT = "current"
    """What opentelemetry-instrumentation-genai-langchain 1.3b0 emits, so dashboards exist."""

    NEXT = "next"
    """The conventions' main branch: inference metrics renamed (#521), usage counters (#374)."""


# -- operations: gen_ai.operation.name, and the first word of a span's name -------------------

CHAT = "chat"
TEXT_COMPLETION = "text_completion"
EMBEDDINGS = "embeddings"
RETRIEVAL = "retrieval"
EXECUTE_TOOL = "execute_tool"
INVOKE_AGENT = "invoke_agent"
INVOKE_WORKFLOW = "invoke_workflow"

INFERENCE = frozenset({CHAT, TEXT_COMPLETION, "generate_content"})
"""Operations that call a model for text: those of the inference metrics."""

RUN_SPAN = "durable_run"
ATTEMPT_SPAN = "durable_attempt"
FUNCTION_SPAN = "durable_step"


def span_name(operation: str, subject: str | None) -> str:
    """A span's name by the conventions: ``chat gpt-4o``, or ``chat`` for an unnamed model."""
    return f"{operation} {subject}" if subject else operation


# -- attributes of the conventions ------------------------------------------------------------

ERROR_TYPE = "error.type"
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
CONVERSATION_ID = "gen_ai.conversation.id"
AGENT_NAME = "gen_ai.agent.name"
AGENT_DESCRIPTION = "gen_ai.agent.description"
WORKFLOW_NAME = "gen_ai.workflow.name"
PROMPT_NAME = "gen_ai.prompt.name"

REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"

RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"

USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING = "gen_ai.usage.reasoning.output_tokens"
USAGE_TEXT_INPUT = "gen_ai.usage.text.input_tokens"
USAGE_IMAGE_INPUT = "gen_ai.usage.image.input_tokens"
USAGE_AUDIO_INPUT = "gen_ai.usage.audio.input_tokens"
USAGE_TEXT_OUTPUT = "gen_ai.usage.text.output_tokens"
USAGE_IMAGE_OUTPUT = "gen_ai.usage.image.output_tokens"
USAGE_AUDIO_OUTPUT = "gen_ai.usage.audio.output_tokens"

TOKEN_TYPE = "gen_ai.token.type"
TOKEN_MODALITY = "gen_ai.token.modality"

TOOL_NAME = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_DESCRIPTION = "gen_ai.tool.description"
TOOL_CALL_ID = "gen_ai.tool.call.id"

# Content: only with capture switched on.
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"
TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT = "gen_ai.tool.call.result"
RETRIEVAL_QUERY_TEXT = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS = "gen_ai.retrieval.documents"

# -- attributes of ours -----------------------------------------------------------------------

SCOPE = "langchain_durable"
"""The instrumentation scope of our spans and metrics."""

RUN_ID = "langchain_durable.run_id"
ATTEMPT = "langchain_durable.attempt"
PROGRAM = "langchain_durable.program"
STATUS = "langchain_durable.status"
REASON = "langchain_durable.reason"
STEP = "langchain_durable.step"
STEP_KIND = "langchain_durable.step.kind"
OUTCOME = "langchain_durable.outcome"
REPLAYED = "langchain_durable.replayed"
SYNTHETIC_END = "langchain_durable.synthetic_end"
LLM_CACHE_HIT = "langchain_durable.llm_cache_hit"
TRUNCATED_BYTES = "langchain_durable.content.truncated_bytes"

REPLAYED_STEPS = "langchain_durable.replayed_steps"

# The price of a call, as proposed for the conventions (semantic-conventions-genai#443), and
# which table priced it.
COST_AMOUNT = "gen_ai.usage.cost.amount"
COST_CURRENCY = "gen_ai.usage.cost.currency"
USD = "USD"
COST_SOURCE = "gen_ai.usage.cost.source"
COST_BOOK = "langchain_durable.cost.book"
COST_ESTIMATED = "langchain_durable.cost.estimated"

PROCESS_CRASH = "process_crash"
"""``error.type`` of what was open when its process died."""

# -- environment variables --------------------------------------------------------------------

CAPTURE_CONTENT_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EMIT_EVENT_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"

# -- events -----------------------------------------------------------------------------------

INFERENCE_DETAILS = "gen_ai.client.inference.operation.details"
"""A model call, whole: what its span says, and its content as data."""

# -- metrics ----------------------------------------------------------------------------------


class Instrument(StrEnum):
    """What kind of instrument a metric is recorded with."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a meter needs to know to make an instrument. ``buckets``: explicit boundaries."""

    name: str
    unit: str
    description: str
    instrument: Instrument = Instrument.HISTOGRAM
    buckets: tuple[float, ...] = ()


_SECONDS = tuple(0.01 * 2**power for power in range(14))
_AGENT_SECONDS = tuple(0.1 * 2**power for power in range(13))
_WORKFLOW_SECONDS = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
_TOKENS = tuple(float(4**power) for power in range(14))
_CALLS = tuple(float(2**power) for power in range(8))

_FIRST_CHUNK = (
    "Time to receive the first chunk, measured from when the client issues the generation "
    "request to when the first chunk is received in the response stream."
)
_PER_CHUNK = (
    "Time per output chunk, recorded for each chunk received after the first one, measured as "
    "the time elapsed from the end of the previous chunk to the end of the current chunk."
)


def _seconds(name: str, description: str, buckets: tuple[float, ...] = _SECONDS) -> Metric:
    return Metric(name=name, unit="s", description=description, buckets=buckets)


def _counter(name: str, unit: str, description: str) -> Metric:
    return Metric(name=name, unit=unit, description=description, instrument=Instrument.COUNTER)


OPERATION_DURATION = _seconds(
    "gen_ai.client.operation.duration", "Duration of GenAI client operation"
)
"""In the next profile for operations other than inference only (retrieval, embeddings)."""

INFERENCE_DURATION: Mapping[Profile, Metric] = {
    Profile.CURRENT: OPERATION_DURATION,
    Profile.NEXT: _seconds(
        "gen_ai.client.inference.duration", "Duration of GenAI client inference operation."
    ),
}
TIME_TO_FIRST_CHUNK: Mapping[Profile, Metric] = {
    Profile.CURRENT: _seconds("gen_ai.client.operation.time_to_first_chunk", _FIRST_CHUNK),
    Profile.NEXT: _seconds("gen_ai.client.inference.time_to_first_chunk", _FIRST_CHUNK),
}
TIME_PER_OUTPUT_CHUNK: Mapping[Profile, Metric] = {
    Profile.CURRENT: _seconds("gen_ai.client.operation.time_per_output_chunk", _PER_CHUNK),
    Profile.NEXT: _seconds("gen_ai.client.inference.time_per_output_chunk", _PER_CHUNK),
}

TOKEN_USAGE = Metric(
    name="gen_ai.client.token.usage",
    unit="{token}",
    description="Number of input and output tokens used by GenAI clients",
    buckets=_TOKENS,
)
"""Current profile only, with ``gen_ai.token.type``; the next one has the metrics below."""

OPERATION_INPUT_TOKENS = Metric(
    name="gen_ai.client.inference.operation.input_tokens",
    unit="{token}",
    description="The number of input (prompt) tokens used per inference operation.",
    buckets=_TOKENS,
)
OPERATION_OUTPUT_TOKENS = Metric(
    name="gen_ai.client.inference.operation.output_tokens",
    unit="{token}",
    description="The number of output (completion) tokens used per inference operation.",
    buckets=_TOKENS,
)
USAGE_COUNTERS: Mapping[str, Metric] = {
    USAGE_INPUT_TOKENS: _counter(
        "gen_ai.client.inference.usage.input_tokens",
        "{token}",
        "The number of input (prompt) tokens used, including cached tokens.",
    ),
    USAGE_OUTPUT_TOKENS: _counter(
        "gen_ai.client.inference.usage.output_tokens",
        "{token}",
        "The number of output (completion) tokens used, including reasoning tokens.",
    ),
    USAGE_CACHE_READ: _counter(
        "gen_ai.client.inference.usage.cache_read.input_tokens",
        "{token}",
        "The number of input tokens served from a provider-managed cache.",
    ),
    USAGE_CACHE_WRITE: _counter(
        "gen_ai.client.inference.usage.cache_write.input_tokens",
        "{token}",
        "The number of input tokens written to a provider-managed cache.",
    ),
    USAGE_REASONING: _counter(
        "gen_ai.client.inference.usage.reasoning.output_tokens",
        "{token}",
        "The number of output tokens used for reasoning.",
    ),
}
"""Next profile only: the counter that the value of a span's attribute goes to."""

EXECUTE_TOOL_DURATION = _seconds(
    "gen_ai.execute_tool.duration", "Measures the duration of a tool execution."
)
INVOKE_AGENT_DURATION = _seconds(
    "gen_ai.invoke_agent.duration",
    "Measures the duration of an in-process agent invocation.",
    _AGENT_SECONDS,
)
INVOKE_WORKFLOW_DURATION = _seconds(
    "gen_ai.invoke_workflow.duration",
    "Measures the duration of a workflow execution.",
    _WORKFLOW_SECONDS,
)
AGENT_INFERENCE_CALLS = Metric(
    name="gen_ai.invoke_agent.inference_calls",
    unit="{call}",
    description="The number of inference calls of one agent invocation.",
    buckets=_CALLS,
)
AGENT_TOOL_CALLS = Metric(
    name="gen_ai.invoke_agent.tool_calls",
    unit="{call}",
    description="The number of tool calls of one agent invocation.",
    buckets=_CALLS,
)
"""This and the inference calls: next profile only."""

RUNS = _counter("langchain_durable.runs", "{run}", "Attempts that ended, by status.")
STEPS_EXECUTED = _counter("langchain_durable.steps.executed", "{step}", "Calls that were made.")
STEPS_REPLAYED = _counter(
    "langchain_durable.steps.replayed", "{step}", "Calls that were answered from the journal."
)
COST = _counter("langchain_durable.cost", "{USD}", "What calls cost, in US dollars.")
COST_SAVED = _counter(
    "langchain_durable.cost.saved", "{USD}", "What replayed calls would have cost again."
)
COST_WASTED = _counter(
    "langchain_durable.cost.wasted", "{USD}", "What calls cost that a crash had made again."
)
UNPRICED_CALLS = _counter(
    "langchain_durable.cost.unpriced_calls", "{call}", "Model calls whose price is not known."
)
JOURNAL_DURATION = _seconds(
    "langchain_durable.journal.duration",
    "How long a call waited for its record to be acknowledged.",
    tuple(0.0001 * 2**power for power in range(14)),
)
LEASES_LOST = _counter(
    "langchain_durable.leases.lost", "{lease}", "Runs that another process took over."
)
