"""Runs that are held open, so that single steps can be recorded in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_durable import Durable
from langchain_durable.events import StepKind
from langchain_durable.intercept.active import active
from langchain_durable.intercept.models import chat_call
from langchain_durable.intercept.step import Step
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


def answer_of(text: str) -> ChatResult:
    """What a provider returns: an answer as a real one gives it, usage and all."""
    message = AIMessage(
        text,
        id="run-0",
        usage_metadata={"input_tokens": 10, "output_tokens": 1000, "total_tokens": 1010},
        response_metadata={"model_name": "instant", "finish_reason": "stop"},
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def model_step(attempt: Attempt, answer: ChatResult) -> Procedure[Any]:
    """All that the interceptor does for one model call: fingerprint, match, start record,
    the call (which is instant here), encoding, end record, and waiting for that."""
    return chat_call(_started(attempt), lambda: answer, (), {})


def amodel_step(attempt: Attempt, answer: ChatResult) -> Procedure[Any]:
    """As :func:`model_step`, with a provider that is awaited."""

    async def provider() -> ChatResult:
        return answer

    return chat_call(_started(attempt), provider, (), {})


def _started(attempt: Attempt) -> Step:
    tree, label = attempt.tree, "model:instant"
    scope = tree.enter(None, label, _PROMPT, kind=StepKind.MODEL, name="instant")
    return Step(attempt, scope)


def encoded(attempt: Attempt, answer: ChatResult) -> bytes:
    """The payload that a model step with this answer writes."""
    messages = [generation.message for generation in answer.generations]
    return attempt.codec.encode({"g": messages}, bind=b"benchmark")
