"""Programs that nobody has written: made up from a number, out of what LangChain composes with.

Each is a runnable from text to text, the same one whenever it is built from its number. Each part
has both colours, and the same names in both: a run may go on in another one than it began in.
"""

from __future__ import annotations

import asyncio
import operator
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from hashlib import blake2b
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_core.runnables.config import ContextThreadPoolExecutor
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Send

from langchain_durable.testing.openai_server import Rule, ToolCall
from tests.programs.program import CHAIN_MODES, Program, Site, args_key

NAME = "made_up_"
"""What their names begin with; the number follows."""

Text = Runnable[Any, Any]
Body = Callable[["Caller", str], Coroutine[Any, Any, str]]

_VOICES = 4
_AGENT, _FAILS = f"{NAME}agent", f"{NAME}fails"
_TOOLS = ("ask_0", "ask_1")
_DEPTH = 3


def made_up(number: int) -> Program:
    """The program of this number. Its answer is what it gives when nobody disturbs it."""
    return Program(
        name=f"{NAME}{number}",
        build=lambda site: Maker(number, site).program(),
        input="bees",
        answer=None,
        modes=CHAIN_MODES,
    )


def _rules() -> tuple[Rule, ...]:
    voices = [
        Rule(model=f"{NAME}{voice}", when=r"\A(.*)\Z", says=rf"{voice}(\1)")
        for voice in range(_VOICES)
    ]
    asks = [ToolCall(name=name, args={"x": rf"\g<1>{name[-1]}"}) for name in _TOOLS]
    return (
        *voices,
        Rule(model=_FAILS, status=400),
        Rule(model=_AGENT, turn=0, when=r"\A(.*)\Z", calls=(*asks, asks[0])),
        Rule(model=_AGENT, turn=1, when=r"\A(.*)\Z", calls=(asks[1],)),
        Rule(model=_AGENT, when=r"\A(.*)\Z", says=r"agent(\1)"),
    )


RULES = _rules()


def digest(*values: Any) -> str:
    """Joins what several calls have answered, and keeps it short."""
    return blake2b(repr(values).encode(), digest_size=4).hexdigest()


# -- one body for both colours ----------------------------------------------------------------


class Caller:
    """Calls parts from a function's own code; the sync one never suspends its caller."""

    async def one(self, part: Text, text: str) -> str:
        return str(part.invoke(text))

    async def many(self, part: Text, texts: Sequence[str]) -> list[str]:
        """All at once, in threads that know their context."""
        with ContextThreadPoolExecutor(len(texts)) as pool:
            return list(pool.map(part.invoke, texts))

    async def batch(self, part: Text, texts: Sequence[str]) -> list[str]:
        return part.batch(list(texts))

    async def completed(self, part: Text, texts: Sequence[str]) -> list[str]:
        return [str(text) for _, text in sorted(part.batch_as_completed(list(texts)))]


class AsyncCaller(Caller):
    """The same on an event loop."""

    async def one(self, part: Text, text: str) -> str:
        return str(await part.ainvoke(text))

    async def many(self, part: Text, texts: Sequence[str]) -> list[str]:
        return list(await asyncio.gather(*(part.ainvoke(text) for text in texts)))

    async def batch(self, part: Text, texts: Sequence[str]) -> list[str]:
        return await part.abatch(list(texts))

    async def completed(self, part: Text, texts: Sequence[str]) -> list[str]:
        found = [each async for each in part.abatch_as_completed(list(texts))]
        return [str(text) for _, text in sorted(found)]


def _colours(body: Body) -> tuple[Callable[[str], str], Callable[[str], Any]]:
    """A function and its async twin, both named ``work``."""

    def work(x: str) -> str:
        """Do it."""
        try:
            body(Caller(), x).send(None)
        except StopIteration as done:
            return str(done.value)
        raise AssertionError("the sync caller has suspended its caller")

    return work, _async(body)


def _async(body: Body) -> Callable[[str], Any]:
    async def work(x: str) -> str:
        """Do it."""
        return await body(AsyncCaller(), x)

    return work


def _function(body: Body) -> Text:
    return RunnableLambda(*_colours(body))


# -- the parts --------------------------------------------------------------------------------


class Shelf(BaseRetriever):
    """Finds two documents for whatever it is asked."""

    site: Any

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        with self.site.call("Shelf", query):
            return [Document(f"{query}/{number}") for number in range(2)]


class State(TypedDict, total=False):
    """What the graphs hand on."""

    x: str
    found: Annotated[list[str], operator.add]


class Maker:
    """Puts a program together; each method makes a part whose own parts are ``depth`` deep."""

    def __init__(self, number: int, site: Site) -> None:
        self._random = random.Random(number)
        self._site = site

    def program(self) -> Text:
        return self.part(_DEPTH)

    def part(self, depth: int) -> Text:
        makers = _LEAVES if depth == 0 else _INNER
        made: Text = self._random.choice(makers)(self, depth - 1)
        return made

    def _texts(self, text: str, count: int, alike: bool) -> list[str]:
        return [text if alike else f"{text}{number}" for number in range(count)]

    def _several(self) -> tuple[int, bool]:
        """How many calls there are, and whether they are all the same."""
        return self._random.randint(2, 3), self._random.random() < 0.3

    def _model(self) -> Any:
        return self._site.model(f"{NAME}{self._random.randrange(_VOICES)}")

    def prompted(self, depth: int) -> Text:
        said: Text = ChatPromptTemplate.from_template("{x}") | self._model() | StrOutputParser()
        return said

    def plain(self, depth: int) -> Text:
        said: Text = self._model() | StrOutputParser()
        return said

    def shelf(self, depth: int) -> Text:
        return Shelf(site=self._site) | (lambda found: found[-1].page_content)

    def sequence(self, depth: int) -> Text:
        return self.part(depth) | self.part(depth)

    def sides(self, depth: int) -> Text:
        sides = {name: self.part(depth) for name in "abc"[: self._several()[0]]}
        return RunnableParallel(sides) | (lambda found: digest(sorted(found.items())))

    def mapped(self, depth: int) -> Text:
        (count, alike), part = self._several(), self.part(depth)
        return RunnableLambda(lambda x: self._texts(x, count, alike)) | part.map() | digest

    def assigned(self, depth: int) -> Text:
        filled: Text = RunnablePassthrough.assign(
            y=operator.itemgetter("x") | self.part(depth),
            z=operator.itemgetter("x") | self.part(depth),
        )
        return (
            RunnableLambda(lambda x: {"x": x})
            | filled
            | (lambda found: digest(sorted(found.items())))
        )

    def branch(self, depth: int) -> Text:
        return RunnableBranch((lambda x: len(x) % 2 == 0, self.part(depth)), self.part(depth))

    def fallback(self, depth: int) -> Text:
        broken: Text = self._site.model(_FAILS) | StrOutputParser()
        if self._random.random() < 0.4:
            broken = self.part(depth) | broken
        return broken.with_fallbacks([self.part(depth)])

    def pieces(self, depth: int) -> Text:
        def shout(chunks: Iterator[str]) -> Iterator[str]:
            for chunk in chunks:
                yield chunk.upper()

        async def ashout(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
            async for chunk in chunks:
                yield chunk.upper()

        return self.part(depth) | RunnableGenerator(shout, ashout)

    def named(self, depth: int) -> Text:
        name = self._random.choice(["one", "other"])
        return self.part(depth).with_config(tags=[name], run_name=name)

    def loop(self, depth: int) -> Text:
        count, part = self._several()[0], self.part(depth)

        async def body(caller: Caller, text: str) -> str:
            for _ in range(count):
                text = await caller.one(part, text)
            return digest(text)

        return _function(body)

    def twice(self, depth: int) -> Text:
        """Two parts, or the same one with the same input."""
        first = self.part(depth)
        second = first if self._random.random() < 0.4 else self.part(depth)

        async def body(caller: Caller, text: str) -> str:
            return digest(await caller.one(first, text), await caller.one(second, text))

        return _function(body)

    def at_once(self, depth: int) -> Text:
        (count, alike), part = self._several(), self.part(depth)
        how = self._random.choice([Caller.many, Caller.batch, Caller.completed]).__name__

        async def body(caller: Caller, text: str) -> str:
            return digest(*await getattr(caller, how)(part, self._texts(text, count, alike)))

        return _function(body)

    def _tool(self, name: str, part: Text) -> BaseTool:
        async def body(caller: Caller, x: str) -> str:
            with self._site.call(name, args_key({"x": x})):
                return digest(await caller.one(part, x))

        work, awork = _colours(body)
        return StructuredTool.from_function(work, awork, name=name, description="Ask.")

    def tool(self, depth: int) -> Text:
        return RunnableLambda(lambda x: {"x": x}) | self._tool("ask_0", self.part(depth))

    def agent(self, depth: int) -> Text:
        tools = [self._tool(name, self.part(max(0, depth - 1))) for name in _TOOLS]
        agent: Any = create_agent(self._site.model(_AGENT), tools, name="clerk")
        asked: Text = RunnableLambda(lambda x: {"messages": [("user", x)]})
        return asked | _whole(agent) | (lambda state: digest(state["messages"][-1].text))

    def _node(self, part: Text, key: str) -> Any:
        async def body(caller: Caller, text: str) -> str:
            return await caller.one(part, text)

        work, awork = _colours(body)

        def node(state: State) -> dict[str, Any]:
            said = work(_read(state))
            return {key: [said] if key == "found" else said}

        async def anode(state: State) -> dict[str, Any]:
            said = await awork(_read(state))
            return {key: [said] if key == "found" else said}

        return RunnableLambda(node, anode)

    def graph(self, depth: int) -> Text:
        """Some nodes at once, and one after them all."""
        builder = StateGraph(State)
        names = [f"node_{number}" for number in range(self._several()[0])]
        for name in names:
            builder.add_node(name, self._node(self.part(depth), "found"))
            builder.add_edge(START, name)
        builder.add_node("last", self._node(self.part(0), "x"))
        builder.add_edge(names, "last")
        return RunnableLambda(lambda x: {"x": x}) | _whole(builder.compile()) | (lambda s: s["x"])

    def sent(self, depth: int) -> Text:
        """One node, several times at once."""
        builder = StateGraph(State)
        count, alike = self._several()
        builder.add_node("worker", self._node(self.part(depth), "found"))
        builder.add_conditional_edges(
            START,
            lambda s: [Send("worker", {"x": x}) for x in self._texts(s["x"], count, alike)],
            ["worker"],
        )
        started: Text = RunnableLambda(lambda x: {"x": x})
        return started | _whole(builder.compile()) | (lambda s: digest(sorted(s["found"])))

    def functional(self, depth: int) -> Text:
        """LangGraph's tasks, in its functional API."""
        (count, alike), part = self._several(), self.part(depth)

        def flow() -> Any:
            @task
            def ask(x: str) -> str:
                return str(part.invoke(x))

            @entrypoint()
            def work(x: str) -> str:
                futures = [ask(text) for text in self._texts(x, count, alike)]
                return digest(*[future.result() for future in futures])

            return work

        def aflow() -> Any:
            @task
            async def ask(x: str) -> str:
                return str(await part.ainvoke(x))

            @entrypoint()
            async def work(x: str) -> str:
                futures = [ask(text) for text in self._texts(x, count, alike)]
                return digest(*await asyncio.gather(*futures))

            return work

        return RunnableLambda(flow().invoke, aflow().ainvoke)


def _read(state: State) -> str:
    return digest(sorted(state["found"])) if state.get("found") else state["x"]


def _whole(graph: Any) -> Text:
    """A graph's last state, also where it is streamed through."""
    return RunnableLambda(graph.invoke, graph.ainvoke)


_LEAVES: tuple[Callable[[Maker, int], Text], ...] = (Maker.prompted, Maker.plain, Maker.shelf)
_INNER: tuple[Callable[[Maker, int], Text], ...] = (
    Maker.sequence,
    Maker.sides,
    Maker.mapped,
    Maker.assigned,
    Maker.branch,
    Maker.fallback,
    Maker.pieces,
    Maker.named,
    Maker.loop,
    Maker.twice,
    Maker.at_once,
    Maker.tool,
    Maker.agent,
    Maker.graph,
    Maker.sent,
    Maker.functional,
    Maker.prompted,
)
