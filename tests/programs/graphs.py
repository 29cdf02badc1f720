"""Graphs written by hand: a loop, a fan-out, and a node that makes three model calls."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from langchain_durable.testing.openai_server import Rule
from tests.programs.program import GRAPH_MODES, Program, Site


class State(TypedDict, total=False):
    """The graph's state."""

    topic: str
    rounds: int
    parts: Annotated[list[str], operator.add]
    part: str
    essay: str


class _Nodes:
    """The nodes, sync and async: a graph's async modes run its async functions."""

    def __init__(self, site: Site, model: str) -> None:
        self._model = site.model(model)

    def plan(self, state: State) -> State:
        said = self._model.invoke(f"Plan {state['topic']} round {state.get('rounds', 0)}")
        return {"rounds": state.get("rounds", 0) + 1, "essay": said.text}

    async def aplan(self, state: State) -> State:
        prompt = f"Plan {state['topic']} round {state.get('rounds', 0)}"
        said = await self._model.ainvoke(prompt)
        return {"rounds": state.get("rounds", 0) + 1, "essay": said.text}

    def route(self, state: State) -> Any:
        if state["rounds"] < 2:
            return "plan"
        return [Send("write", {"part": part}) for part in ("head", "body", "tail")]

    def write(self, state: State) -> State:
        return {"parts": [self._model.invoke(f"Write {state['part']}").text]}

    async def awrite(self, state: State) -> State:
        said = await self._model.ainvoke(f"Write {state['part']}")
        return {"parts": [said.text]}

    def join(self, state: State) -> State:
        essay = " ".join(sorted(state["parts"]))
        for step in ("Check", "Trim", "Print"):
            essay = self._model.invoke(f"{step}: {essay}").text
        return {"essay": essay}

    async def ajoin(self, state: State) -> State:
        essay = " ".join(sorted(state["parts"]))
        for step in ("Check", "Trim", "Print"):
            essay = (await self._model.ainvoke(f"{step}: {essay}")).text
        return {"essay": essay}


def _build(site: Site, model: str, saver: Any = None) -> Any:
    nodes = _Nodes(site, model)
    graph = StateGraph(State)
    graph.add_node("plan", RunnableLambda(nodes.plan, afunc=nodes.aplan))
    graph.add_node("write", RunnableLambda(nodes.write, afunc=nodes.awrite))
    graph.add_node("join", RunnableLambda(nodes.join, afunc=nodes.ajoin))
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", nodes.route, ["plan", "write"])
    graph.add_edge("write", "join")
    graph.add_edge("join", END)
    return graph.compile(checkpointer=saver)


def _rules(model: str) -> tuple[Rule, ...]:
    return (
        Rule(model=model, when=r"Plan (\w+) round (\d)", says=r"plan \2 of \1"),
        Rule(model=model, when=r"Write (\w+)", says=r"<\1>"),
        Rule(model=model, when=r"(Check|Trim|Print): (.*)", says=r"\1ed \2"),
    )


def _essay(state: Any) -> str:
    return str(state["essay"])


GRAPH = Program(
    name="graph",
    build=lambda site: _build(site, "graph"),
    input={"topic": "bees"},
    answer="Printed Trimed Checked <body> <head> <tail>",
    rules=_rules("graph"),
    read=_essay,
    modes=GRAPH_MODES,
    graph=True,
)

OWN_SAVER = Program(
    name="own_saver",
    build=lambda site: _build(site, "own_saver", site.saver()),
    input={"topic": "bees"},
    answer="Printed Trimed Checked <body> <head> <tail>",
    rules=_rules("own_saver"),
    read=_essay,
    modes=GRAPH_MODES,
    graph=True,
    own_saver=True,
)

PROGRAMS = (GRAPH, OWN_SAVER)
