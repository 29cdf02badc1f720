"""Model calls: ``chat`` and ``text_completion`` spans.

Nothing here looks at messages, so a call costs the same however long its history is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult, Generation, LLMResult
from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.events import RefusedUsage, Usage
from langchain_durable.spans.providers import provider_name
from langchain_durable.spans.start import Attributes, Start, conversation_id
from langchain_durable.spans.usage import counted, reported, usage_attributes

_NO_PARAMS: Mapping[str, Any] = {}
_MODEL_KEYS = ("model_name", "model_id", "model")
_FLOATS = {
    "top_p": semconv.REQUEST_TOP_P,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
}
_INTS = {
    "top_k": semconv.REQUEST_TOP_K,
    "seed": semconv.REQUEST_SEED,
    "n": semconv.REQUEST_CHOICE_COUNT,
}
_FINISH = ("finish_reason", "stopReason", "stop_reason", "done_reason")
_SERVED_MODEL_HEADER = "x-ms-served-model"


def model_started(
    serialized: Mapping[str, Any] | None,
    params: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
    name: str | None = None,
    *,
    stream: bool = False,
    completion: bool = False,
    prompt: str | None = None,
) -> Start:
    """What the span of a model call says when the call begins.

    ``params`` are LangChain's ``invocation_params``; ``metadata`` has its ``ls_*`` keys;
    ``name`` is the model where neither says one. ``stream``: the caller knows already that the
    answer comes in chunks. ``completion``: a model that completes text (``on_llm_start``).
    ``prompt`` is the name of the prompt template that the call was made from.
    """
    asked = (params.get("params") or params) if params else _NO_PARAMS
    operation = semconv.TEXT_COMPLETION if completion else semconv.CHAT
    model = _model(asked, metadata or _NO_PARAMS) or name
    told: Attributes = {
        semconv.OPERATION_NAME: operation,
        semconv.PROVIDER_NAME: provider_name(metadata),
    }
    if model:
        told[semconv.REQUEST_MODEL] = model
    conversation = conversation_id(metadata)
    if conversation:
        told[semconv.CONVERSATION_ID] = conversation
    if stream:
        told[semconv.REQUEST_STREAM] = True
    if prompt:
        told[semconv.PROMPT_NAME] = prompt
    _parameters(told, asked, metadata or _NO_PARAMS)
    _stop_sequences(told, asked, serialized)
    return Start(semconv.span_name(operation, model), SpanKind.CLIENT, told)


def _model(params: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    for key in _MODEL_KEYS:
        found = params.get(key) or metadata.get(key)
        if found:
            return str(found).removeprefix("models/")
    found = metadata.get("ls_model_name")
    return str(found).removeprefix("models/") if found else None


def _parameters(told: Attributes, params: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    for key in params.keys() & _FLOATS.keys():
        _float(told, _FLOATS[key], params[key])
    for key in params.keys() & _INTS.keys():
        _int(told, _INTS[key], params[key])
    _float(
        told,
        semconv.REQUEST_TEMPERATURE,
        metadata.get("ls_temperature", params.get("temperature")),
    )
    limit = metadata.get("ls_max_tokens")
    if limit is None:
        limit = params.get("max_completion_tokens")
    _int(told, semconv.REQUEST_MAX_TOKENS, params.get("max_tokens") if limit is None else limit)


def _float(told: Attributes, attribute: str, value: Any) -> None:
    if value is not None and (type(value) is float or _is_int64(value)):
        told[attribute] = float(value)


def _int(told: Attributes, attribute: str, value: Any) -> None:
    if value is not None and _is_int64(value):
        told[attribute] = value


def _is_int64(value: Any) -> bool:
    """An int that an exporter can write: another one loses it all spans that it has at hand."""
    return type(value) is int and -(2**63) <= value < 2**63


def _stop_sequences(
    told: Attributes, params: Mapping[str, Any], serialized: Mapping[str, Any] | None
) -> None:
    stop = params.get("stop")
    if stop is None:
        stop = params.get("stop_sequences")
    if stop is None and serialized:
        stop = (serialized.get("kwargs") or _NO_PARAMS).get("stop_sequences")
    if isinstance(stop, str):
        told[semconv.REQUEST_STOP_SEQUENCES] = (stop,)
    elif stop and isinstance(stop, Sequence):
        told[semconv.REQUEST_STOP_SEQUENCES] = tuple(map(str, stop))


def first_chunk(seconds: float) -> Attributes:
    """What the span of a streamed call says once its first chunk has come."""
    return {
        semconv.REQUEST_STREAM: True,
        semconv.RESPONSE_TIME_TO_FIRST_CHUNK: max(0.0, seconds),
    }


def model_ended(result: ChatResult | LLMResult, usage: Usage | None = None) -> Attributes:
    """What the span of a model call says of its answer: tokens, id, model, finish reasons.

    Takes what a provider's method returned as well as what ``on_llm_end`` brings. A finish
    reason that the provider did not give is not made up. An answer out of LangChain's own
    cache cost no tokens: it says so, and tells none. Nor are numbers told that are none of tokens,
    because who prices spans would price the rest. ``usage`` is :func:`usage_of` the result,
    for a caller that has it already.
    """
    candidates = candidates_of(result)
    output = result.llm_output or _NO_PARAMS
    told: Attributes = {}
    if is_cache_hit(candidates):
        told[semconv.LLM_CACHE_HIT] = True
    else:
        usage = usage or usage_of(result)
        if not isinstance(usage, RefusedUsage):
            told.update(usage_attributes(usage))
    _response(told, candidates, output)
    reasons = [reason for reason in finish_reasons(result) if reason]
    if reasons:
        told[semconv.RESPONSE_FINISH_REASONS] = tuple(reasons)
    return told


def decided(model: str, response_id: str | None, usage: Usage | None) -> Attributes:
    """What the span of a decision model's call says of its answers: tokens, model, id."""
    told: Attributes = {semconv.RESPONSE_MODEL: model}
    if response_id:
        told[semconv.RESPONSE_ID] = response_id
    if not isinstance(usage, RefusedUsage):
        told.update(usage_attributes(usage))
    return told


def usage_of(result: ChatResult | LLMResult) -> Usage | None:
    """The tokens of an answer, None if the provider reported none.

    Of several candidates the last one that reports counts: each repeats the whole call's.
    """
    for candidate in reversed(candidates_of(result)):
        if isinstance(candidate, ChatGeneration) and isinstance(candidate.message, AIMessage):
            found = reported(candidate.message.usage_metadata)
            if found is not None:
                return found
    return counted(result.llm_output)


def is_cache_hit(candidates: Sequence[Generation]) -> bool:
    """Did LangChain's own cache answer? It marks the tokens it repeats with a cost of zero."""
    for candidate in candidates:
        if isinstance(candidate, ChatGeneration) and isinstance(candidate.message, AIMessage):
            usage: Mapping[str, Any] = candidate.message.usage_metadata or _NO_PARAMS
            if usage.get("total_cost") == 0:
                return True
    return False


def candidates_of(result: ChatResult | LLMResult) -> Sequence[Generation]:
    """The answers of a model call, of all its prompts."""
    if isinstance(result, LLMResult):
        return [candidate for of_prompt in result.generations for candidate in of_prompt]
    return result.generations


def _infos(candidate: Generation) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Where a candidate may say things: of its message, and of itself."""
    own = candidate.generation_info or _NO_PARAMS
    if isinstance(candidate, ChatGeneration):
        return candidate.message.response_metadata or _NO_PARAMS, own
    return _NO_PARAMS, own


def _response(
    told: Attributes, candidates: Sequence[Generation], output: Mapping[str, Any]
) -> None:
    model = output.get("model_name") or output.get("model")
    response = output.get("id")
    for candidate in candidates:
        message, own = _infos(candidate)
        model = _served_model(message) or model or _named(message, own)
        response = response or message.get("id") or own.get("id")
    if model:
        told[semconv.RESPONSE_MODEL] = str(model)
    if response:
        told[semconv.RESPONSE_ID] = str(response)


def _named(message: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    return (
        message.get("model_name")
        or message.get("model")
        or own.get("model_name")
        or own.get("model")
    )


def _served_model(message: Mapping[str, Any]) -> str | None:
    """The model that Azure says it served, where the answer's headers were asked for."""
    headers = message.get("headers")
    if isinstance(headers, Mapping):
        for key, value in headers.items():
            if isinstance(key, str) and key.lower() == _SERVED_MODEL_HEADER and value:
                return str(value)
    return None


def finish_reasons(result: ChatResult | LLMResult) -> list[str | None]:
    """Why each candidate's text ends, in the provider's words; None where it did not say.

    ChatAnthropic says so of its only candidate in the output of the call: LangChain copies it
    to the message after the provider's method has returned.
    """
    candidates = candidates_of(result)
    if len(candidates) == 1:
        return [_reason(*_infos(candidates[0]), result.llm_output or _NO_PARAMS)]
    return [_reason(*_infos(candidate)) for candidate in candidates]


def _reason(
    message: Mapping[str, Any], own: Mapping[str, Any], *more: Mapping[str, Any]
) -> str | None:
    for info in (own, message, *more):
        for key in _FINISH:
            found = info.get(key)
            if found:
                return str(found)
    return None
