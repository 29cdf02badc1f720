"""The lines of the demo's program that are shown on the screen, read from its file."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

PROGRAM = Path(__file__).with_name("agent.py")
MARK = "  # the one line"


def shown_lines() -> list[tuple[str, bool]]:
    """The body of the program's ``answer``, and of each line whether it is the durable one."""
    text = PROGRAM.read_text(encoding="utf-8")
    function = next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == "answer"
    )
    first, last = function.body[1], function.body[-1]  # behind the docstring
    lines = text.splitlines()[first.lineno - 1 : last.end_lineno]
    body = textwrap.dedent("\n".join(lines)).splitlines()
    return [(line.removesuffix(MARK), line.endswith(MARK)) for line in body]
