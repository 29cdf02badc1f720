"""What the example programs are made of: models, tools, what is said to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.types import interrupt
from pydantic import Field, SecretStr

from langchain_durable.testing.openai_server import Rule, ToolCall
from tests.fakes import Model, calls, once_each

Call = Callable[[str, RunnableConfig], Any]
"""Runs a program: the model server's URL, and the config that it is called with."""


@tool
def add(left: int, right: int) -> int:
    """Add two numbers."""
    return left + right


@tool
def weather(city: str) -> str:
    """Look at the weather."""
    return f"{city}: rain"


@tool
def broken(city: str) -> str:
    """Fail."""
    raise ValueError(f"no such city: {city}")


@tool
def approve(city: str) -> str:
    """Ask a person."""
    return str(interrupt(f"go to {city}?"))


class Slow(Model):
    """A model whose answer never comes; ``asked`` is set once it is waited for."""

    asked: Any = Field(default_factory=asyncio.Event)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.set()
        await asyncio.sleep(3600)
        raise AssertionError


def openai(url: str, model: str = "gpt-4o-mini", **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=url, api_key=SecretStr("test"), model=model, max_retries=0, **options
    )


def user(text: str) -> Any:
    return {"messages": [HumanMessage(text)]}


ADD_CALL = (ToolCall(name="add", args={"left": 1, "right": 2}, id="call-a"),)


BOTH_CALLS = (*ADD_CALL, ToolCall(name="weather", args={"city": "Oslo"}, id="call-b"))


AGENT_RULES = (Rule(turn=0, calls=BOTH_CALLS), Rule(turn=1, says="Rain and 3."))


def fake(*answers: Any, **options: Any) -> Model:
    return Model(answer=once_each(*answers), model="fake-1", **options)


ASKS_ADD = calls(("add", {"left": 1, "right": 2}))
