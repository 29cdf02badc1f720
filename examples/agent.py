"""An agent with tools that have effects.

    python examples/agent.py            # with OPENAI_API_KEY
    python examples/agent.py --demo     # without: a scripted model on this machine

Each tool prints a line when it really runs. Kill the program and start it again: lines of
tools that had finished do not come back. A tool that was under way runs again, so `refund`
hands its idempotency key to the payment service, which then pays once.
"""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from scripted import models

from langchain_durable import Durable, idempotency_key


@tool
def look_up_order(number: str) -> str:
    """Look an order up."""
    print(f"* looking up order {number}", flush=True)
    return f"order {number}: a coffee grinder, 89 EUR"


@tool
def track_parcel(number: str) -> str:
    """Ask the courier where the parcel of an order is."""
    print(f"* tracking order {number}", flush=True)
    return f"the parcel of order {number} is lost"


@tool
def refund(number: str) -> str:
    """Pay the price of an order back."""
    print(f"* refunding order {number} under key {idempotency_key()}", flush=True)
    return f"refunded 89 EUR for order {number}"


def main() -> None:
    agent = create_agent(
        ChatOpenAI(model="gpt-5-mini"),
        [look_up_order, track_parcel, refund],
        system_prompt="You answer the customers of a shop. Refund what was lost.",
    )
    with Durable() as durable:
        agent = durable.wrap(agent)  # the one line
        result = agent.invoke(
            {"messages": [{"role": "user", "content": "Order 1042 has not come."}]},
            durable.config("complaint-1042"),
        )
        print(result["messages"][-1].text)


if __name__ == "__main__":
    with models():
        main()
