"""Example programs with agents: alone, in tools, in graphs, failing, pausing, cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_classic.agents import AgentExecutor, create_tool_calling_agent
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from langchain_durable.testing.openai_server import Rule, ToolCall
from tests.fakes import calls
from tests.spans.official.parts import (
    ASKS_ADD,
    Slow,
    add,
    approve,
    broken,
    fake,
    openai,
    user,
    weather,
)


def _handled(city: str) -> str:
    raise ToolException(f"closed: {city}")


def agent(url: str, config: RunnableConfig) -> Any:
    agent = create_agent(openai(url), [add, weather], name="traveller", system_prompt="Help.")
    return agent.invoke(user("Go"), config)


def agent_async(url: str, config: RunnableConfig) -> Any:
    both = calls(("add", {"left": 1, "right": 2}), ("weather", {"city": "Oslo"}))
    agent = create_agent(fake(both, "", "3"), [add, weather], name="traveller")
    return asyncio.run(agent.ainvoke(user("Go"), config))


def agent_stream(url: str, config: RunnableConfig) -> Any:
    agent = create_agent(openai(url), [add, weather], name="traveller")
    return list(agent.stream(user("Go"), config, stream_mode="messages"))


def agent_unnamed(url: str, config: RunnableConfig) -> Any:
    return create_agent(fake(ASKS_ADD, "3"), [add]).invoke(user("1+2"), config)


def agent_renamed(url: str, config: RunnableConfig) -> Any:
    agent = create_agent(fake("3"), name="adder")
    return agent.invoke(user("1+2"), {**config, "run_name": "renamed"})


def _agent_in(name: str | None) -> BaseTool:
    inner = create_agent(fake(ASKS_ADD, "3"), [add], name=name)

    @tool
    def ask(question: str) -> str:
        """Ask another agent."""
        return str(inner.invoke(user(question))["messages"][-1].content)

    return ask


_ASK = calls(("ask", {"question": "1+2"}))


def agent_in_tool(url: str, config: RunnableConfig) -> Any:
    boss = create_agent(fake(_ASK, "three"), [_agent_in("helper")], name="boss")
    return boss.invoke(user("Ask"), config)


def unnamed_agent_in_tool(url: str, config: RunnableConfig) -> Any:
    boss = create_agent(fake(_ASK, "three"), [_agent_in(None)], name="boss")
    return boss.invoke(user("Ask"), config)


def chain_in_tool(url: str, config: RunnableConfig) -> Any:
    @tool
    def ask(question: str) -> str:
        """Ask a chain."""
        return str((RunnableLambda(str.upper) | RunnableLambda(str.lower)).invoke(question))

    boss = create_agent(fake(_ASK, "three"), [ask], name="boss")
    return boss.invoke(user("Ask"), config)


def agent_as_node(url: str, config: RunnableConfig) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("worker", create_agent(fake(ASKS_ADD, "3"), [add], name="helper"))
    graph.add_edge(START, "worker")
    return graph.compile().invoke(user("1+2"), config)


def agent_in_node(url: str, config: RunnableConfig) -> Any:
    inner = create_agent(fake("3"), name="helper")
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: inner.invoke(state))
    graph.add_edge(START, "agent")
    return graph.compile(name="pipeline").invoke(user("1+2"), config)


def graph_called_agent(url: str, config: RunnableConfig) -> Any:
    model = openai(url)
    graph = StateGraph(MessagesState)
    graph.add_node("say", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "say")
    return graph.compile(name="my_agent").invoke(user("Hello"), config)


def executor(url: str, config: RunnableConfig) -> Any:
    prompt = ChatPromptTemplate.from_messages(
        [("user", "{input}"), ("placeholder", "{agent_scratchpad}")]
    )
    agent = create_tool_calling_agent(openai(url), [add, weather], prompt)
    executor = AgentExecutor(agent=agent, tools=[add, weather])
    return executor.invoke({"input": "Go"}, config)


def deep(url: str, config: RunnableConfig) -> Any:
    from deepagents import create_deep_agent

    scout = {"name": "scout", "description": "Looks", "system_prompt": "Look.", "tools": []}
    agent = create_deep_agent(
        model=openai(url, "deep"),
        tools=[add],
        subagents=[{**scout, "model": openai(url, "scout")}],  # type: ignore[list-item]  # a SubAgent
        name="planner",
    )
    return agent.invoke(user("Go"), config)


_TASK = ToolCall(name="task", args={"description": "Look", "subagent_type": "scout"}, id="call-t")


DEEP_RULES = (
    Rule(model="deep", turn=0, calls=(_TASK,)),
    Rule(model="deep", turn=1, says="done"),
    Rule(model="scout", says="rain"),
)


def tool_error(url: str, config: RunnableConfig) -> Any:
    model = fake(calls(("broken", {"city": "Oslo"})), "done")
    return create_agent(model, [broken], name="adder").invoke(user("Go"), config)


def handled_error(url: str, config: RunnableConfig) -> Any:
    from langchain_core.tools import StructuredTool

    closed = StructuredTool.from_function(
        _handled, name="closed", description="Closed.", handle_tool_error=True
    )
    model = fake(calls(("closed", {"city": "Oslo"})), "done")
    return create_agent(model, [closed], name="adder").invoke(user("Go"), config)


def model_error(url: str, config: RunnableConfig) -> Any:
    return create_agent(openai(url), name="adder").invoke(user("Go"), config)


def interrupted(url: str, config: RunnableConfig) -> Any:
    model = fake(calls(("approve", {"city": "Oslo"})), "done")
    agent = create_agent(model, [approve], name="traveller", checkpointer=InMemorySaver())
    threaded: RunnableConfig = {**config, "configurable": {"thread_id": "thread-1"}}
    agent.invoke(user("Go"), threaded)
    return agent.invoke(Command(resume="yes"), threaded)


def cancelled(url: str, config: RunnableConfig) -> Any:
    async def go() -> None:
        model = Slow(model="fake-1")
        agent = create_agent(model, name="adder")
        task = asyncio.create_task(agent.ainvoke(user("Go"), config))
        await model.asked.wait()
        task.cancel()
        await task

    asyncio.run(go())
