"""An agent that stops for a person, and goes on in another process, whenever that is.

    python examples/human_in_the_loop.py --demo             # asks, and ends
    python examples/human_in_the_loop.py --demo approve     # goes on from there

Without `--demo` it takes OPENAI_API_KEY. The run waits in the journal, paused, for as long as
it takes. The agent needs no checkpointer of its own.
"""

import sys
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.types import Command
from scripted import models

from langchain_durable import Durable


@tool
def delete_account(name: str) -> str:
    """Delete a customer's account."""
    print(f"* deleting the account of {name}", flush=True)
    return f"the account of {name} is gone"


def main(decision: str | None) -> None:
    agent = create_agent(
        ChatOpenAI(model="gpt-5-mini"),
        [delete_account],
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"delete_account": True})],
    )
    given: Any = {"messages": [{"role": "user", "content": "Delete the account of ada."}]}
    if decision is not None:
        given = Command(resume={"decisions": [{"type": decision}]})

    with Durable() as durable:
        agent = durable.wrap(agent)  # the one line
        result = agent.invoke(given, durable.config("ticket-7"))
        if "__interrupt__" in result:
            (pause,) = result["__interrupt__"]
            print("May I?", pause.value["action_requests"][0]["name"])
            print("Say so: run this again with `approve`.")
        else:
            print(result["messages"][-1].text)


if __name__ == "__main__":
    with models():
        main(sys.argv[1] if len(sys.argv) > 1 else None)
