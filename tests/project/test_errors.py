"""Every error says what was expected, what came and what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import langchain_durable
from langchain_durable import errors
from langchain_durable.errors import DurableError

SOURCE = Path(langchain_durable.__file__).parent
PARTS = {"expected", "came", "do"}
OF_ITS_OWN = {"JournalCorrupt": {"do"}}
"""What an error says if nobody else does."""

OURS = {
    name
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, DurableError)
}


def lacking(path: Path) -> list[str]:
    """The places in a file where an error of ours is made without one of its parts."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        given = {keyword.arg for keyword in node.keywords}
        if name in OURS and not given | OF_ITS_OWN.get(name, set()) >= PARTS:
            found.append(f"{path.relative_to(SOURCE)}:{node.lineno} {name} has only {given}")
    return found


def test_every_error_says_what_was_expected_what_came_and_what_to_do() -> None:
    assert [place for path in SOURCE.rglob("*.py") for place in lacking(path)] == []
