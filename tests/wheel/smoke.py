"""A program that kills itself once, for environments that have nothing but the package.

    python smoke.py EFFECTS [URL]

It asks a model, calls a tool, and asks again; in the second model call of its first attempt
it dies. Every effect is a line in the file EFFECTS. It prints its answer and which steps came
from the journal. Where LangGraph is installed, the same stands in a graph.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

from langchain_durable import Durable


class Effects:
    """The file of effects; dies after a line that is written for the first time, if asked."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def note(self, line: str, *, fatal: bool = False) -> None:
        seen = self._path.read_text().splitlines() if self._path.exists() else []
        with open(self._path, "a") as file:
            file.write(f"{line}\n")
        if fatal and line not in seen:
            # As a crash does it; Windows has no SIGKILL, and ends at once as well.
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


class Model(BaseChatModel):
    """Says what it was told, louder."""

    effects: Any
    name: str

    @property
    def _llm_type(self) -> str:
        return "smoke"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = str(messages[-1].content)
        self.effects.note(f"{self.name}: {text}", fatal=text == "paid HELLO")
        said = AIMessage(content=text.upper(), response_metadata={"finish_reason": "stop"})
        return ChatResult(generations=[ChatGeneration(message=said)])


def parts(effects: Effects, name: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    model = Model(effects=effects, name=name)

    @tool
    def pay(what: str) -> str:
        """Pay for something."""
        effects.note(f"{name} pays: {what}")
        return f"paid {what}"

    def ask(text: str) -> str:
        return str(model.invoke(text).content)

    def buy(text: str) -> str:
        return str(pay.invoke({"what": text}))

    return ask, buy


def chain(effects: Effects, durable: Durable) -> str:
    from langchain_core.runnables import RunnableLambda

    ask, buy = parts(effects, "chain")
    steps = RunnableLambda(ask) | RunnableLambda(buy) | RunnableLambda(ask)
    return str(durable.wrap(steps).invoke("hello", durable.config("smoke-chain")))


def graph(effects: Effects, durable: Durable) -> str:
    from langgraph.graph import START, StateGraph

    ask, buy = parts(effects, "graph")
    builder: Any = StateGraph(dict)
    builder.add_node("one", lambda state: {"text": ask(state["text"])})
    builder.add_node("two", lambda state: {"text": buy(state["text"])})
    builder.add_node("three", lambda state: {"text": ask(state["text"])})
    for edge in ((START, "one"), ("one", "two"), ("two", "three")):
        builder.add_edge(*edge)
    config: Any = durable.config("smoke-graph")
    return str(durable.wrap(builder.compile()).invoke({"text": "hello"}, config)["text"])


def main(path: str, url: str | None = None) -> None:
    effects = Effects(path)
    programs = {"chain": chain}
    if find_spec("langgraph.graph") is not None:
        programs["graph"] = graph
    with Durable(url) as durable:
        answers = {name: program(effects, durable) for name, program in programs.items()}
        attempts = {name: durable.get(f"smoke-{name}").attempt for name in programs}
    print(json.dumps({"answers": answers, "attempts": attempts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
