"""Graphs compiled without a checkpointer, and the config that injects one."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from langchain_durable.saver import RunSaver


class State(TypedDict):
    log: Annotated[list[str], operator.add]


def injected(view: RunSaver, **configurable: Any) -> RunnableConfig:
    """What must stand in the config so that a graph without a checkpointer uses the view."""
    return {
        "configurable": {
            **configurable,
            "__pregel_checkpointer": view,
            "__pregel_durability": "exit",
        }
    }


def asking() -> Any:
    """a, then ask (interrupts), then b."""
    graph = StateGraph(State)
    graph.add_node("a", lambda _: {"log": ["a"]})
    graph.add_node("ask", lambda _: {"log": [f"answer {interrupt('well?')}"]})
    graph.add_node("b", lambda _: {"log": ["b"]})
    graph.add_edge(START, "a")
    graph.add_edge("a", "ask")
    graph.add_edge("ask", "b")
    graph.add_edge("b", END)
    return graph.compile()


def nested() -> Any:
    """A graph whose middle node is a graph that interrupts."""
    graph = StateGraph(State)
    graph.add_node("before", lambda _: {"log": ["before"]})
    graph.add_node("inner", asking())
    graph.add_edge(START, "before")
    graph.add_edge("before", "inner")
    return graph.compile()
