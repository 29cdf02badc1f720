"""Runs that are held open, so that single steps can be recorded in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_durable import Durable
from langchain_durable.callbacks import Step, active
from langchain_durable.events import StepKind
from langchain_durable.intercept.models import chat_call
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.waiting import Procedure

_PROMPT: Sequence[BaseMessage] = [HumanMessage("What is the sum?")]


@contextmanager
def open_run(durable: Durable) -> Iterator[Attempt]:
    """A new run's attempt. It is active in a context of its own, so several can be open."""
    context = copy_context()
    run = durable.run()
    context.run(run.__enter__)
    try:
        tracker = context.run(active.get)
        assert tracker is not None  # the run has just been entered
        yield tracker.attempt
    finally:
        context.run(run.__exit__, None, None, None)


def answer_of(text: str) -> AIMessage:
    """A model's answer as a provider gives it, usage and all."""
    return AIMessage(
        text,
        id="run-0",
        usage_metadata={"input_tokens": 10, "output_tokens": 1000, "total_tokens": 1010},
        response_metadata={"model_name": "instant", "finish_reason": "stop"},
    )


def model_step(attempt: Attempt, answer: AIMessage) -> Procedure[Any]:
    """All that the interceptor does for one model call: fingerprint, match, start record,
    the call (which is instant here), encoding, end record, and waiting for that."""
    scope = attempt.tree.enter(None, "model:instant", _PROMPT, kind=StepKind.MODEL, name="instant")
    result = ChatResult(generations=[ChatGeneration(message=answer)])
    return chat_call(Step(attempt, scope), lambda: result, (), {})


def amodel_step(attempt: Attempt, answer: AIMessage) -> Procedure[Any]:
    """As :func:`model_step`, with a provider that is awaited."""
    scope = attempt.tree.enter(None, "model:instant", _PROMPT, kind=StepKind.MODEL, name="instant")
    result = ChatResult(generations=[ChatGeneration(message=answer)])

    async def provider() -> ChatResult:
        return result

    return chat_call(Step(attempt, scope), provider, (), {})


def encoded(attempt: Attempt, answer: AIMessage) -> bytes:
    """The payload that a model step with this answer writes."""
    return attempt.codec.encode({"g": [answer]}, bind=b"benchmark")
