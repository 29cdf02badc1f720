"""Draws the README's pictures of the terminal from the real commands: ``python docs/pictures.py``.

Each picture is what a command prints at 80 columns, as an SVG in ``docs/pictures``. The demo
is really played, so this takes half a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent / "pictures"
COLUMNS = 84
PROMPT = "$ langchain-durable "


def say(*arguments: str) -> str:
    """What a command prints, with its colours and without its animation."""
    env = {
        **os.environ,
        "FORCE_COLOR": "1",
        "TTY_INTERACTIVE": "0",
        "COLUMNS": str(COLUMNS),
        "COLORTERM": "truecolor",
        "TERM": "xterm-256color",
    }
    env.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "langchain_durable.cli", *arguments]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return done.stdout


def draw(name: str, *scenes: tuple[str, str]) -> Path:
    """Write an SVG of these commands and what they print."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    for typed, printed in scenes:
        console.print(Text(PROMPT + typed, style="bold"))
        console.print(Text.from_ansi(printed.rstrip("\n")))
    path = HERE / f"{name}.svg"
    path.write_text(console.export_svg(title="langchain-durable", unique_id=name), "utf-8")
    return path


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    print(draw("demo", ("demo", say("demo"))))
    kept = json.loads(say("demo", "--json", "--keep"))["kept"]
    try:
        journal = ("--url", kept["url"])
        runs, shown = say("runs", *journal), say("show", "order-1042", *journal)
    finally:
        shutil.rmtree(kept["directory"])
    print(draw("show", ("runs", runs), ("show order-1042", shown)))


if __name__ == "__main__":
    main()
