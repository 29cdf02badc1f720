"""Models and tools for tests of the handle: real LangChain classes that count their calls.

And a system that has no thread left to give.

Tests of crashes use real `langchain-openai` over HTTP instead (tests/kill).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

Answer = Callable[[Sequence[BaseMessage]], AIMessage | str]


@contextmanager
def no_threads() -> Iterator[None]:
    """No thread of ours can be started, as under a container's limit of processes."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("langchain-durable"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield


class Model(BaseChatModel):
    """A chat model whose answer is a function of the prompt; ``prompts`` has each call."""

    answer: Any = None
    model: str = "fake"
    _prompts: list[list[BaseMessage]] = PrivateAttr(default_factory=list)
    _tools: list[Any] = PrivateAttr(default_factory=list)

    @property
    def prompts(self) -> list[list[BaseMessage]]:
        return self._prompts

    @property
    def calls(self) -> int:
        return len(self._prompts)

    def _message(self, messages: list[BaseMessage]) -> AIMessage:
        self._prompts.append(messages)
        said = self.answer(messages) if self.answer else f"<{messages[-1].content}>"
        message = AIMessage(said) if isinstance(said, str) else said
        message.usage_metadata = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        return message

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._message(messages))])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages)

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        whole = self._message(messages)
        for word in str(whole.content):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                tool_calls=whole.tool_calls,
                usage_metadata=whole.usage_metadata,
                response_metadata={"finish_reason": "stop"},
            )
        )

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages):
            yield chunk

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        named = [{"type": "function", "function": {"name": tool.name}} for tool in tools]
        return self.bind(tools=named)

    @property
    def _llm_type(self) -> str:
        return "fake"


def calls(*named: tuple[str, dict[str, Any]]) -> AIMessage:
    """An answer that asks for tools."""
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": args, "id": f"call-{number}-{name}", "type": "tool_call"}
            for number, (name, args) in enumerate(named)
        ],
    )


def once_each(*answers: AIMessage | str) -> Answer:
    """The n-th answer to a prompt with n tool results: what an agent's model does."""

    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        return answers[sum(isinstance(message, ToolMessage) for message in messages)]

    return answer


class Failing(Exception):
    """What a program of the tests dies of."""
