"""A graph written by hand: one node plans, several work side by side, one sums up.

    python examples/langgraph_graph.py          # with OPENAI_API_KEY
    python examples/langgraph_graph.py --demo   # without: a scripted model on this machine

The graph needs no checkpointer to survive a kill: the journal has every model call.
"""

import asyncio
import operator
from typing import Annotated, TypedDict

from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from scripted import models

from langchain_durable import Durable


class State(TypedDict, total=False):
    topic: str
    questions: list[str]
    answers: Annotated[list[str], operator.add]
    summary: str


class Question(TypedDict):
    question: str


async def plan(state: State) -> State:
    asked = await ChatOpenAI(model="gpt-5-mini").ainvoke(f"Two questions about {state['topic']}?")
    return {"questions": asked.text.splitlines()}


def spread(state: State) -> list[Send]:
    return [Send("answer", {"question": question}) for question in state["questions"]]


async def answer(state: Question) -> State:
    model = ChatOpenAI(model="gpt-5-mini")
    said = await model.ainvoke(f"Answer briefly: {state['question']}")
    return {"answers": [said.text]}


async def sum_up(state: State) -> State:
    model = ChatOpenAI(model="gpt-5-mini")
    said = await model.ainvoke(f"Sum up: {' '.join(state['answers'])}")
    return {"summary": said.text}


async def main() -> None:
    builder = StateGraph(State)
    builder.add_node("plan", plan)
    builder.add_node("answer", answer)
    builder.add_node("sum_up", sum_up)
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", spread, ["answer"])
    builder.add_edge("answer", "sum_up")
    builder.add_edge("sum_up", END)
    graph = builder.compile()

    async with Durable() as durable:
        graph = durable.wrap(graph)  # the one line
        result = await graph.ainvoke({"topic": "bees"}, durable.config("report-on-bees"))
        print(result["summary"])


if __name__ == "__main__":
    with models():
        asyncio.run(main())
