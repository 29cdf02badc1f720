"""The classic AgentExecutor with a tool-calling agent."""

from __future__ import annotations

from typing import Any

from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_core.prompts import ChatPromptTemplate

from tests.programs.agents import lookup_rules, lookup_tools
from tests.programs.program import CHAIN_MODES, Program, Site


def _build(site: Site) -> Any:
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Use the tools."), ("user", "{input}"), ("placeholder", "{agent_scratchpad}")]
    )
    tools = lookup_tools(site)
    agent = create_tool_calling_agent(site.model("executor"), tools, prompt)
    return AgentExecutor(agent=agent, tools=tools)


def _output(output: Any) -> str:
    return str(output["output"])


EXECUTOR = Program(
    name="executor",
    build=_build,
    input={"input": "Weather in Lyon and Oslo, and 2+3?"},
    answer="Rain twice, and 5.",
    rules=lookup_rules("executor"),
    read=_output,
    modes=CHAIN_MODES,
    last_chunk=True,
)

PROGRAMS = (EXECUTOR,)
