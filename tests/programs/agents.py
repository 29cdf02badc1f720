"""Agents of ``create_agent``: parallel tools, agents in tools, artifacts, errors, humans."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.types import interrupt

from langchain_durable.testing.openai_server import Rule, ToolCall
from tests.programs.program import GRAPH_MODES, Mode, Program, Site, args_key, last_text


def lookup_tools(site: Site) -> list[BaseTool]:
    """Two tools whose effects are counted."""

    @tool
    def weather(city: str) -> str:
        """The weather in a city."""
        with site.call("weather", args_key({"city": city})):
            return f"{city}: rain"

    @tool
    def add(left: int, right: int) -> int:
        """The sum of two numbers."""
        with site.call("add", args_key({"left": left, "right": right})):
            return left + right

    return [weather, add]


def _async_tools(site: Site) -> list[BaseTool]:
    @tool
    async def weather(city: str) -> str:
        """The weather in a city."""
        with site.call("weather", args_key({"city": city})):
            await asyncio.sleep(0)
            return f"{city}: rain"

    @tool
    async def add(left: int, right: int) -> int:
        """The sum of two numbers."""
        with site.call("add", args_key({"left": left, "right": right})):
            await asyncio.sleep(0)
            return left + right

    return [weather, add]


def lookup_rules(model: str) -> tuple[Rule, ...]:
    """Two tools at once, then one, then the answer: three model and three tool calls."""
    return (
        Rule(
            model=model,
            turn=0,
            calls=(
                ToolCall(name="weather", args={"city": "Lyon"}),
                ToolCall(name="weather", args={"city": "Oslo"}),
            ),
        ),
        Rule(
            model=model,
            turn=1,
            when=r"Oslo: rain",
            calls=(ToolCall(name="add", args={"left": 2, "right": 3}),),
        ),
        Rule(model=model, turn=2, when=r"(\d+)", says=r"Rain twice, and \1."),
    )


QUESTION = {"messages": [{"role": "user", "content": "Weather in Lyon and Oslo, and 2+3?"}]}

AGENT = Program(
    name="agent",
    build=lambda site: create_agent(site.model("agent"), lookup_tools(site)),
    input=QUESTION,
    answer="Rain twice, and 5.",
    rules=lookup_rules("agent"),
    read=last_text,
    modes=GRAPH_MODES,
    graph=True,
)

ASYNC_AGENT = Program(
    name="async_agent",
    build=lambda site: create_agent(site.model("async_agent"), _async_tools(site)),
    input=QUESTION,
    answer="Rain twice, and 5.",
    rules=lookup_rules("async_agent"),
    read=last_text,
    modes=tuple(mode for mode in GRAPH_MODES if mode.is_async),
    graph=True,
)


def _nested(site: Site) -> Any:
    helper: Any = create_agent(site.model("helper"), lookup_tools(site))

    @tool
    def delegate(task: str) -> str:
        """Have a helper do a task."""
        with site.call("delegate", args_key({"task": task})):
            asked = {"messages": [{"role": "user", "content": task}]}
            return last_text(helper.invoke(asked))

    return create_agent(site.model("boss"), [delegate])


NESTED = Program(
    name="nested",
    build=_nested,
    input={"messages": [{"role": "user", "content": "Plan both trips."}]},
    answer="Packed for Lyon: rain and Oslo: rain.",
    rules=(
        Rule(
            model="boss",
            turn=0,
            calls=(
                ToolCall(name="delegate", args={"task": "Look at Lyon"}),
                ToolCall(name="delegate", args={"task": "Look at Oslo"}),
            ),
        ),
        Rule(model="boss", turn=1, when="Oslo", says="Packed for Lyon: rain and Oslo: rain."),
        Rule(
            model="helper",
            turn=0,
            when=r"Look at (\w+)",
            calls=(ToolCall(name="weather", args={"city": r"\1"}),),
        ),
        Rule(model="helper", turn=1, when=r"(\w+: rain)", says=r"\1"),
    ),
    read=last_text,
    modes=GRAPH_MODES,
    graph=True,
)


def _artifact(site: Site) -> Any:
    @tool(response_format="content_and_artifact")
    def draw(shape: str) -> tuple[str, dict[str, Any]]:
        """Draw a shape."""
        with site.call("draw", args_key({"shape": shape})):
            return f"drew a {shape}", {"points": [(0, 0), (1, 1)], "shape": shape}

    return create_agent(site.model("artist"), [draw])


def _artifact_answer(state: Any) -> Any:
    drawn = next(message for message in state["messages"] if message.type == "tool")
    return [last_text(state), drawn.artifact["shape"], len(drawn.artifact["points"])]


ARTIFACT = Program(
    name="artifact",
    build=_artifact,
    input={"messages": [{"role": "user", "content": "A circle, please."}]},
    answer=["There: drew a circle", "circle", 2],
    rules=(
        Rule(model="artist", turn=0, calls=(ToolCall(name="draw", args={"shape": "circle"}),)),
        Rule(model="artist", turn=1, when=r"(drew.*)", says=r"There: \1"),
    ),
    read=_artifact_answer,
    modes=GRAPH_MODES,
    graph=True,
)


def _failing(site: Site) -> Any:
    @tool
    def divide(left: int, right: int) -> str:
        """Divide two numbers."""
        with site.call("divide", args_key({"left": left, "right": right})):
            if right == 0:
                raise ToolException("cannot divide by zero")
            return f"result {left // right}"

    divide.handle_tool_error = True
    return create_agent(site.model("divider"), [divide])


TOOL_ERROR = Program(
    name="tool_error",
    build=_failing,
    input={"messages": [{"role": "user", "content": "Divide 6 by something."}]},
    answer="At last: result 3",
    rules=(
        Rule(
            model="divider",
            turn=0,
            calls=(ToolCall(name="divide", args={"left": 6, "right": 0}),),
        ),
        Rule(
            model="divider",
            turn=1,
            when="by zero",
            calls=(ToolCall(name="divide", args={"left": 6, "right": 2}),),
        ),
        Rule(model="divider", turn=2, when=r"(result \d)", says=r"At last: \1"),
    ),
    read=last_text,
    modes=GRAPH_MODES,
    graph=True,
)


def _human(site: Site) -> Any:
    @tool
    def look_up(order: str) -> str:
        """Look an order up."""
        with site.call("look_up", args_key({"order": order})):
            return f"{order} cost 12"

    @tool
    def refund(order: str) -> str:
        """Refund an order, if a human agrees."""
        said = interrupt({"refund": order})
        with site.call("refund", args_key({"order": order})):
            return f"refund of {order}: {said}"

    saver = None if site.durable else site.saver()
    return create_agent(site.model("clerk"), [look_up, refund], checkpointer=saver)


HUMAN = Program(
    name="human",
    build=_human,
    input={"messages": [{"role": "user", "content": "Refund A7."}]},
    answer="Done: refund of A7: yes",
    rules=(
        Rule(model="clerk", turn=0, calls=(ToolCall(name="look_up", args={"order": "A7"}),)),
        Rule(model="clerk", turn=1, calls=(ToolCall(name="refund", args={"order": "A7"}),)),
        Rule(model="clerk", turn=2, when=r"(refund of.*)", says=r"Done: \1"),
    ),
    read=last_text,
    modes=tuple(mode for mode in GRAPH_MODES if mode is not Mode.ASTREAM_EVENTS),
    graph=True,
    resume="yes",
)

PROGRAMS = (AGENT, ASYNC_AGENT, NESTED, ARTIFACT, TOOL_ERROR, HUMAN)
