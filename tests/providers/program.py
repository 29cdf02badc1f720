"""An agent on the real ChatAnthropic, run in one of four modes."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from pydantic import SecretStr

from langchain_durable import Durable

MODEL = "claude-sonnet-4-5"
MODES = ("invoke", "ainvoke", "stream", "astream")
INPUT = {"messages": [("user", "Add all.")]}


@tool
def add(left: int, right: int) -> str:
    """The sum of two numbers."""
    return str(left + right)


def agent(url: str) -> Any:
    model = ChatAnthropic(
        model_name=MODEL,
        base_url=url,
        api_key=SecretStr("key"),
        max_retries=0,
        timeout=10,
        stop=None,
    )
    return create_agent(model, [add])


def program(durable: Durable, run_id: str, url: str, mode: str) -> Any:
    """The types, contents and tool calls of the messages at the end."""
    wrapped, config = durable.wrap(agent(url)), durable.config(run_id)
    if mode == "invoke":
        return told(wrapped.invoke(INPUT, config))
    if mode == "ainvoke":
        return told(asyncio.run(wrapped.ainvoke(INPUT, config)))
    if mode == "stream":
        return told([state for _, state in wrapped.stream(INPUT, config, **_MODES)][-1])

    async def states() -> list[Any]:
        return [state async for _, state in wrapped.astream(INPUT, config, **_MODES)]

    return told(asyncio.run(states())[-1])


# With "messages" the model is streamed; the last of what comes is a state.
_MODES: Any = {"stream_mode": ["messages", "values"]}


def told(state: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What must be the same after a crash, and is the same in each mode of the tests."""
    return [
        (message.type, message.content, getattr(message, "tool_calls", None))
        for message in state["messages"]
    ]
