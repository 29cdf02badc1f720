"""The programs that are measured: a chain of three model calls, and a short agent.

The agent makes three model calls and three tool calls, the first two of them in parallel.
"""

from __future__ import annotations

import base64
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from langchain_durable.testing.openai_server import Rule, ToolCall

Program = Runnable[Any, Any]

_FIRST = [{"left": 1, "right": 2}, {"left": 3, "right": 4}]
_SECOND = [{"left": 3, "right": 7}]
_DONE = "The sum of all is ten."
KEY = "benchmark"


class InstantModel(BaseChatModel):
    """Answers at once, which is the worst case for whoever adds to a call.

    ``turns`` is how often it asks for the tool before its last answer; ``answer`` is that.
    ``model_id`` is what it calls itself.
    """

    turns: int = 2
    answer: str = _DONE
    model_id: str = "instant"

    @property
    def _llm_type(self) -> str:
        return "instant"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        turn = _turn(messages) if "tools" in kwargs else self.turns
        asked = _FIRST if turn == 0 and self.turns == 2 else _SECOND
        calls = [
            {"name": "add", "args": args, "id": f"call-{turn}-{number}"}
            for number, args in enumerate(asked)
        ]
        message = AIMessage(
            self.answer if turn >= self.turns else "",
            tool_calls=[] if turn >= self.turns else calls,
            usage_metadata={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
            response_metadata={"model_name": self.model_id, "finish_reason": "stop"},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._generate(messages, stop, **kwargs)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        named = [{"type": "function", "function": {"name": tool.name}} for tool in tools]
        return self.bind(tools=named)


class PricedModel(InstantModel):
    """An instant model under the name of one that has a price."""

    model_id: str = "gpt-5-mini-2025-08-07"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="openai", ls_model_name="gpt-5-mini", ls_model_type="chat"
        )


class StreamingModel(PricedModel):
    """Streams its answer in ``chunks`` chunks of a word each, with the usage in the last."""

    chunks: int = 1000

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for _ in range(self.chunks - 1):
            yield ChatGenerationChunk(message=AIMessageChunk(content="word "))
        last = AIMessageChunk(
            content="end",
            usage_metadata={"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
            response_metadata={"model_name": self.model_id, "finish_reason": "stop"},
        )
        yield ChatGenerationChunk(message=last)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, stop, **kwargs):
            yield chunk


def _turn(messages: Sequence[BaseMessage]) -> int:
    """How many answers came since the last message of the user."""
    turn = 0
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        turn += not isinstance(message, ToolMessage)
    return turn


def add_tool() -> BaseTool:
    """A tool that is instant in both colours."""

    def add(left: int, right: int) -> str:
        """The sum of two numbers."""
        return str(left + right)

    async def aadd(left: int, right: int) -> str:
        """The sum of two numbers."""
        return add(left, right)

    return StructuredTool.from_function(add, aadd, name="add")


def chain(model: BaseChatModel, history: Sequence[BaseMessage] = ()) -> Program:
    """Three model calls in a row, each with the history before its question."""
    prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{text}")])

    def ask_again(text: str) -> dict[str, Any]:
        return {"text": text, "history": list(history)}

    one = prompt | model | StrOutputParser()
    again: RunnableLambda[str, dict[str, Any]] = RunnableLambda(ask_again)
    return one | again | one | again | one


def chain_input(history: Sequence[BaseMessage] = ()) -> dict[str, Any]:
    return {"text": "What is the sum?", "history": list(history)}


def agent(model: BaseChatModel, checkpointer: Any = None, tool: BaseTool | None = None) -> Program:
    """An agent of ``create_agent`` with one tool."""
    return create_agent(model, [tool or add_tool()], checkpointer=checkpointer)


def agent_input(history: Sequence[BaseMessage] = ()) -> dict[str, Any]:
    return {"messages": [*history, HumanMessage("Add all.")]}


def openai_model(
    url: str, program: str, cls: type[ChatOpenAI] = ChatOpenAI, **more: Any
) -> BaseChatModel:
    """The real client, on a scripted server; ``program`` picks the script."""
    return cls(model=program, base_url=url, api_key=SecretStr(KEY), max_retries=0, **more)


RULES = (
    Rule(model="chain", says=_DONE),
    Rule(model="agent", turn=0, calls=tuple(ToolCall(name="add", args=a) for a in _FIRST)),
    Rule(model="agent", turn=1, calls=tuple(ToolCall(name="add", args=a) for a in _SECOND)),
    Rule(model="agent", turn=2, says=_DONE),
)
"""What the scripted server says to :func:`openai_model`."""


def messages_of_history(count: int = 101) -> list[BaseMessage]:
    """An earlier conversation of some 500 characters a message; its first is the user's."""
    words = random.Random(7)
    history: list[BaseMessage] = []
    for number in range(count):
        text = f"{number}: {noise(500, words)}"
        history.append(AIMessage(text) if number % 2 else HumanMessage(text))
    return history


def noise(length: int, source: random.Random) -> str:
    """Text that hardly compresses."""
    return base64.b64encode(source.randbytes(length)).decode()[:length]
