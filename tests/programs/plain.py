"""Plain Python that calls LangChain: a loop with a model and a tool, and no runnable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from langchain_durable.testing.openai_server import Rule
from tests.programs.agents import lookup_tools
from tests.programs.program import Mode, Program, Site


def _build(site: Site) -> tuple[Callable[[int], str], Callable[[int], Awaitable[str]]]:
    model = site.model("plain")
    _, add = lookup_tools(site)

    def loop(rounds: int) -> str:
        total, text = 0, "start"
        for number in range(rounds):
            text = model.invoke(f"Round {number} after {text}").text
            total = add.invoke({"left": total, "right": number})
        return f"{text} {total}"

    async def aloop(rounds: int) -> str:
        total, text = 0, "start"
        for number in range(rounds):
            text = (await model.ainvoke(f"Round {number} after {text}")).text
            total = await add.ainvoke({"left": total, "right": number})
        return f"{text} {total}"

    return loop, aloop


PLAIN = Program(
    name="plain",
    build=_build,
    input=3,
    answer="r2r1r0start 3",
    rules=(Rule(model="plain", when=r"Round (\d) after (.*)", says=r"r\1\2"),),
    modes=(Mode.CALL, Mode.ACALL),
)

PROGRAMS = (PLAIN,)
