"""Draw docs/pictures/waterfall.svg and costs.svg: what ``show`` and ``costs`` print of real runs.

The demo's agent works on several models that a script plays, with the tokens of a real
conversation. One run's process is killed (SIGKILL) in the middle of a refund and started again.
Dates and ids are replaced by fixed ones, so that drawing again changes durations only.

``pictures.py run '{"run_id": ...}'`` is one attempt of one run: the process that is killed.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from langchain.agents import create_agent
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from langchain_durable import Durable
from langchain_durable.demo.agent import Handbook, make_tools
from langchain_durable.demo.scenario import HANDBOOK, QUESTION, RULES, SYSTEM, TOOL_SECONDS
from langchain_durable.embedded import EmbeddedServer
from langchain_durable.testing.openai_server import ScriptedOpenAI

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS = 84

KILLED = "order-1042"
MODELS = {KILLED: "gpt-5-mini", "order-1043": "gpt-5.2", "order-1044": "gpt-4.1"}
SPENT = ((900, 0), (640, 1280), (310, 1280), (120, 1408))
"""(reasoning tokens, tokens read from the provider's cache) of an agent's four model calls."""

PROMPT = " ".join((SYSTEM, "The handbook:", *HANDBOOK * 40))
"""As long as prompts are: a scripted model counts words as tokens."""

FIXED = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "2026-11-22 09:30:00"),
    (re.compile(r"\d+ (?:s|min) ago|just now"), "just now"),
    (re.compile(r"process \d+"), "process 4711"),
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), "4bf92f3577b34da6a3ce929d0e0e4736"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt; ``dies``: its process kills itself while it pays the money back."""

    run_id: str
    model: str
    server: str
    journal: str
    dies: bool = False


def run(job: Job) -> None:
    """Run the demo's agent."""
    key = SecretStr(job.run_id)
    vectors = OpenAIEmbeddings(
        model="embed-demo",
        base_url=job.server,
        api_key=key,
        check_embedding_ctx_length=False,  # it would download a tokenizer
    )

    def effect(name: str, _: str) -> None:
        time.sleep(TOOL_SECONDS)
        if job.dies and name == "refund":
            os.kill(os.getpid(), signal.SIGKILL)

    model = ChatOpenAI(model=job.model, base_url=job.server, api_key=key)
    tools = make_tools(Handbook(name="handbook", vectors=vectors), effect)
    with Durable(job.journal) as durable:
        agent: Runnable[Any, Any] = create_agent(model, tools, system_prompt=PROMPT)
        agent = durable.wrap(agent, name="shop")
        inputs = {"messages": [{"role": "user", "content": QUESTION}]}
        agent.invoke(inputs, durable.config(job.run_id))


def attempt(job: Job) -> None:
    """Run an attempt in a process of its own, and see that it ends as it must."""
    command = [sys.executable, __file__, "run", json.dumps(dataclasses.asdict(job))]
    code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
    if code != (-signal.SIGKILL if job.dies else 0):
        sys.exit(f"the attempt on {job.run_id} ended with {code}")


def environment() -> dict[str, str]:
    """That of a terminal with colours, and of nobody's tracing."""
    foreign = ("OTEL_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    terminal = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    return {**kept, **terminal, "COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT)}


def draw(name: str, journal: str, *arguments: str) -> Path:
    """Draw a command and what it prints of the journal."""
    command = [sys.executable, "-m", "langchain_durable.cli", *arguments, "--url", journal]
    printed = subprocess.run(command, env=environment(), capture_output=True, check=True).stdout
    text = printed.decode("utf-8").rstrip()
    for pattern, fixed in FIXED:
        text = pattern.sub(fixed, text)
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ langchain-durable {' '.join(arguments)}", style="bold"))
    console.print(Text.from_ansi(text))
    path = PICTURES / f"{name}.svg"
    picture = console.export_svg(title="langchain-durable", unique_id=name)
    # Some programs that show pictures drop the spaces at the begin of a text without this.
    path.write_text(picture.replace("<svg ", '<svg xml:space="preserve" ', 1), "utf-8")
    return path


def main() -> None:
    rules = [
        dataclasses.replace(rule, reasoning_tokens=thought, cached_tokens=cached)
        for rule, (thought, cached) in zip(RULES, SPENT, strict=True)
    ]
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, ScriptedOpenAI(rules) as server:
        journal = EmbeddedServer(Path(directory) / "journal")
        journal.ensure()
        try:
            url = f"embedded://{quote(str(journal.directory))}"
            for run_id, model in MODELS.items():
                job = Job(run_id=run_id, model=model, server=server.url, journal=url)
                if run_id == KILLED:
                    attempt(dataclasses.replace(job, dies=True))
                attempt(job)
            print(draw("waterfall", url, "show", KILLED))
            print(draw("costs", url, "costs"))
        finally:
            journal.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(Job(**json.loads(sys.argv[2])))
    else:
        main()
