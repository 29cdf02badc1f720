"""An agent of a real client, with a checkpointer of its own. ``python asking.py RUN_ID``.

``effects`` in the working directory has a line for each tool that really ran. ``ASKING`` changes
the program: ``more`` asks for one more tool than the journal has.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver

from langchain_durable import Durable


def note(effect: str) -> None:
    with open("effects", "a", encoding="utf-8") as file:
        file.write(effect + "\n")


@tool
def weigh(item: str) -> str:
    """Weigh an item."""
    note("weigh")
    return f"{item}: 250 g"


@tool
def audit(item: str) -> str:
    """Write an item down."""
    note("audit")
    return item


def make_agent() -> Any:
    model = ChatOpenAI(model="gpt-4o", base_url=os.environ.get("MODELS"), max_retries=0)
    agent = create_agent(model, [weigh], checkpointer=InMemorySaver())
    return agent if os.environ.get("ASKING") != "more" else audit_first | agent


def _audit_first(value: Any) -> Any:
    audit.invoke("coffee")
    return value


audit_first = RunnableLambda(_audit_first)

if __name__ == "__main__":
    with Durable() as durable:
        named = durable.wrap(make_agent(), name="asking")
        question = {"messages": [{"role": "user", "content": "How heavy is the coffee?"}]}
        config = durable.config(sys.argv[1], thread_id="t")
        print(named.invoke(question, config)["messages"][-1].text)
