"""The program that the demo kills: an agent of a shop, with tools and a handbook to search.

Nothing here knows that it will be killed. ``answer`` is what the demo shows on the screen.
"""

from __future__ import annotations

from collections.abc import Callable

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, tool
from langchain_openai import ChatOpenAI

from langchain_durable import Durable
from langchain_durable.demo.scenario import HANDBOOK, SYSTEM

Effect = Callable[[str, str], None]
"""Does what a tool does in the world, and takes its time: ``effect(name, argument)``."""


def answer(question: str, model: ChatOpenAI, tools: list[BaseTool], durable: Durable) -> str:
    """The agent's answer to a customer."""
    agent = create_agent(model, tools, system_prompt=SYSTEM)
    agent = durable.wrap(agent)  # the one line
    result = agent.invoke(
        {"messages": [{"role": "user", "content": question}]},
        durable.config("order-1042"),
    )
    return str(result["messages"][-1].text)


class Handbook(BaseRetriever):
    """The pages of the shop's handbook, found by the likeness of their embeddings."""

    vectors: Embeddings

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        *pages, wanted = self.vectors.embed_documents([*HANDBOOK, query])
        likeness = [sum(a * b for a, b in zip(page, wanted, strict=True)) for page in pages]
        best = max(range(len(pages)), key=likeness.__getitem__)
        return [Document(page_content=HANDBOOK[best])]


def make_tools(handbook: Handbook, effect: Effect) -> list[BaseTool]:
    """What the agent can do. ``effect`` is told of every call."""

    @tool
    def search_handbook(query: str) -> str:
        """Search the shop's handbook."""
        effect("search_handbook", query)
        return "\n".join(page.page_content for page in handbook.invoke(query))

    @tool
    def look_up_order(number: str) -> str:
        """Look an order up."""
        effect("look_up_order", number)
        return f"order {number}: coffee grinder, 89.00 EUR, tracking NP-7731"

    @tool
    def track_parcel(tracking: str) -> str:
        """Ask the courier where a parcel is."""
        effect("track_parcel", tracking)
        return f"{tracking}: lost, nine days late"

    @tool
    def check_stock(item: str) -> str:
        """Look whether an item is in stock."""
        effect("check_stock", item)
        return f"{item}: sold out"

    @tool
    def refund(order: str, amount: str) -> str:
        """Pay a customer's money back. Paying twice would be a pity."""
        effect("refund", order)
        return f"refunded {amount} EUR, receipt R-{order}"

    return [search_handbook, look_up_order, track_parcel, check_stock, refund]
