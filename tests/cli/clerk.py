"""A graph that asks a person for each parcel. ``python clerk.py RUN_ID``."""

from __future__ import annotations

import operator
import sys
from typing import Annotated, Any, TypedDict

from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from langchain_durable import Durable


class State(TypedDict, total=False):
    item: str
    log: Annotated[list[str], operator.add]


@tool
def weigh(item: str) -> str:
    """Weigh an item."""
    with open("effects", "a", encoding="utf-8") as file:
        file.write("weigh\n")
    return f"{item}: 250 g"


def clear(state: State) -> State:
    weight = weigh.invoke({"item": state["item"]})
    answer = interrupt(f"Send {weight}?")
    return {"log": [weight, repr(answer)]}


builder = StateGraph(State)
builder.add_node("clear", clear)
builder.add_edge(START, "clear")
graph: Any = builder.compile()

if __name__ == "__main__":
    with Durable() as durable:
        durable.wrap(graph).invoke({"item": "coffee"}, durable.config(sys.argv[1]))
