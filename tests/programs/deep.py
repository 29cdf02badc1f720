"""A deepagent: a sub-agent behind its task tool, and files in the graph's state."""

from __future__ import annotations

from typing import Any

from deepagents import create_deep_agent

from langchain_durable.testing.openai_server import Rule, ToolCall
from tests.programs.agents import lookup_tools
from tests.programs.program import GRAPH_MODES, Program, Site, last_text


def _build(site: Site) -> Any:
    weather, add = lookup_tools(site)
    return create_deep_agent(
        model=site.model("deep"),
        tools=[add],
        subagents=[
            {
                "name": "scout",
                "description": "Looks at the weather",
                "system_prompt": "You look at the weather.",
                "tools": [weather],
                "model": site.model("scout"),
            }
        ],
    )


def _task(city: str) -> ToolCall:
    return ToolCall(name="task", args={"description": f"Look at {city}", "subagent_type": "scout"})


def _note(name: str, content: str) -> ToolCall:
    return ToolCall(name="write_file", args={"file_path": name, "content": content})


def _answer(state: Any) -> Any:
    files = state["files"]
    return [last_text(state), *(str(files[name]["content"]) for name in sorted(files))]


DEEP = Program(
    name="deep",
    build=_build,
    input={"messages": [{"role": "user", "content": "Plan a trip."}]},
    answer=["Planned: Oslo: rain", "first", "second"],
    rules=(
        Rule(model="deep", turn=0, calls=(_note("/one.txt", "first"), _task("Oslo"))),
        Rule(model="deep", turn=1, when=r"Oslo: rain", calls=(_note("/two.txt", "second"),)),
        Rule(
            model="deep",
            turn=2,
            calls=(ToolCall(name="add", args={"left": 1, "right": 1}),),
        ),
        Rule(model="deep", turn=3, says="Planned: Oslo: rain"),
        Rule(
            model="scout",
            turn=0,
            when=r"Look at (\w+)",
            calls=(ToolCall(name="weather", args={"city": r"\1"}),),
        ),
        Rule(model="scout", turn=1, when=r"(\w+: rain)", says=r"\1"),
    ),
    read=_answer,
    modes=GRAPH_MODES,
    graph=True,
)

PROGRAMS = (DEEP,)
