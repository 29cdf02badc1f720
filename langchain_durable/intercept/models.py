"""Models: what ``_generate`` and ``_stream`` return, written down and given back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from langchain_core.utils.utils import LC_ID_PREFIX

from langchain_durable.identity.tree import Scope
from langchain_durable.intercept.perform import Ended, Form, perform
from langchain_durable.intercept.step import Step
from langchain_durable.intercept.wrapping import Original
from langchain_durable.spans.models import model_ended, usage_of
from langchain_durable.transcript import pack_messages
from langchain_durable.waiting import Procedure

# -- chat models ------------------------------------------------------------------------------


def chat_call(
    step: Step, original: Original, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A chat model's step, not streamed."""
    return perform(step, CHAT, partial(original, *args, **kwargs))


def name_answer(scope: Scope, answer: Any, suffix: str = "") -> None:
    """Give an answer the id that LangChain is about to give it, if its provider gave none.

    It is recorded with the answer, because what tools return is recorded too, and may name it.
    """
    message = getattr(answer, "message", None)
    if message is not None and message.id is None and scope.called_as is not None:
        message.id = f"{LC_ID_PREFIX}-{scope.called_as}{suffix}"


def _model_ended(result: ChatResult | LLMResult) -> Ended:
    usage = usage_of(result)
    return usage, model_ended(result, usage)


class _Chat(Form):
    """``{"g": [message, ...], "i": [generation_info, ...], "o": llm_output}``"""

    __slots__ = ()

    def pack(self, result: ChatResult, step: Step) -> dict[str, Any]:
        generations = result.generations
        for place, generation in enumerate(generations):
            name_answer(step.scope, generation, f"-{place}")
        infos = [generation.generation_info for generation in generations]
        messages = [generation.message for generation in generations]
        return pack_messages(messages, infos, result.llm_output)

    def unpack(self, packed: Mapping[str, Any]) -> ChatResult:
        messages = packed["g"]
        infos = packed.get("i") or [None] * len(messages)
        return ChatResult(
            generations=[
                ChatGeneration(message=message, generation_info=info)
                for message, info in zip(messages, infos, strict=True)
            ],
            llm_output=packed.get("o"),
        )

    def ended(self, result: ChatResult) -> Ended:
        return _model_ended(result)


CHAT = _Chat()


def chat_chunk(packed: Mapping[str, Any]) -> ChatGenerationChunk:
    """A recorded answer as the one chunk of a replayed stream."""
    message: AIMessage = packed["g"][0]
    info = {**(packed.get("o") or {}), **((packed.get("i") or [None])[0] or {})}
    return ChatGenerationChunk(message=_as_chunk(message), generation_info=info or None)


def _as_chunk(message: AIMessage) -> AIMessageChunk:
    calls = [
        *((call, json.dumps(call["args"])) for call in message.tool_calls),
        *((call, call["args"]) for call in message.invalid_tool_calls),
    ]
    return AIMessageChunk(
        content=message.content,
        additional_kwargs={k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"},
        response_metadata=message.response_metadata,
        id=message.id,
        name=message.name,
        usage_metadata=message.usage_metadata,
        chunk_position="last",
        tool_call_chunks=[
            {"type": "tool_call_chunk", "name": c["name"], "args": args, "id": c["id"], "index": i}
            for i, (c, args) in enumerate(calls)
        ],
    )


def merged_chat(chunks: Sequence[ChatGenerationChunk]) -> ChatResult:
    """The chunks of a finished stream as one answer, for the journal."""
    whole = chunks[0] + list(chunks[1:]) if len(chunks) > 1 else chunks[0]
    message = message_chunk_to_message(whole.message)
    answer = ChatGeneration(message=message, generation_info=whole.generation_info or None)
    return ChatResult(generations=[answer])


# -- completion models ------------------------------------------------------------------------


def completion_call(
    step: Step, original: Original, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Procedure[Any]:
    """A completion model's step: one provider call, which may answer several prompts."""
    prompts = args[0] if args else kwargs.get("prompts")
    if isinstance(prompts, list) and len(prompts) > 1 and step.scope.node is None:
        step.scope.inputs = prompts
    return perform(step, COMPLETION, partial(original, *args, **kwargs))


class _Completion(Form):
    """``{"t": [[(text, generation_info), ...], ...], "o": llm_output}``"""

    __slots__ = ()

    def pack(self, result: LLMResult, step: Step) -> dict[str, Any]:
        texts = [
            [(generation.text, generation.generation_info) for generation in candidates]
            for candidates in result.generations
        ]
        return {"t": texts, "o": result.llm_output} if result.llm_output else {"t": texts}

    def unpack(self, packed: Mapping[str, Any]) -> LLMResult:
        return LLMResult(
            generations=[
                [Generation(text=text, generation_info=info) for text, info in candidates]
                for candidates in packed["t"]
            ],
            llm_output=packed.get("o"),
        )

    def ended(self, result: LLMResult) -> Ended:
        return _model_ended(result)


COMPLETION = _Completion()


def completion_chunk(packed: Mapping[str, Any]) -> GenerationChunk:
    """A recorded completion as the one chunk of a replayed stream."""
    text, info = packed["t"][0][0]
    return GenerationChunk(text=text, generation_info=info)


def merged_completion(chunks: Sequence[GenerationChunk]) -> LLMResult:
    """The chunks of a finished completion stream as one answer, for the journal."""
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    answer = Generation(text=whole.text, generation_info=whole.generation_info)
    return LLMResult(generations=[[answer]])
