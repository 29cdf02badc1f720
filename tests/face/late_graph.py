"""A process of its own whose first graph comes after its handler, for tests of a late import.

Two attempts in it, as a program that catches its own failure makes them: the graph's thread
outlives the first, and the second must not take it for a new turn.
"""

from __future__ import annotations

import operator
import sys
from typing import Annotated, Any, TypedDict

from langchain_durable import Durable, DurableCallbackHandler


def build() -> Any:
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import START, StateGraph

    failures = [OSError("the first attempt")]

    def work(state: State) -> dict[str, list[str]]:
        if failures:
            raise failures.pop()
        return {"said": ["done"]}

    graph = StateGraph(State)
    graph.add_node("think", lambda state: {"said": ["thought"]})
    graph.add_node("work", work)
    graph.add_edge(START, "think")
    graph.add_edge("think", "work")
    return graph.compile(checkpointer=InMemorySaver())


class State(TypedDict):
    said: Annotated[list[str], operator.add]


if __name__ == "__main__":
    url, prefix = sys.argv[1:]
    with Durable(url, prefix=prefix) as durable:
        handlers = [DurableCallbackHandler(durable, run_id="run") for _ in range(2)]
        assert "langgraph.pregel" not in sys.modules
        graph = build()
        for handler in handlers:
            config: Any = {"callbacks": [handler], "configurable": {"thread_id": "t"}}
            try:
                print(*graph.invoke({"said": ["go"]}, config)["said"])
            except OSError:
                continue
