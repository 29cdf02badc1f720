"""What is not public in LangChain, LangGraph and Redis is used in few, named places."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "langchain_durable"

FOREIGN = ("langchain", "langgraph", "langsmith", "openai", "redis")
INTERNAL = {"var_child_runnable_config"}
"""Names without an underscore that are no public API either."""

ALLOWED = {
    # The hooks' rooms; touchpoints/ checks at install that what it names is there.
    "touchpoints/child_context.py": {"var_child_runnable_config"},
    "intercept/side_channels.py": {"var_child_runnable_config"},
    # LangGraph writes these snapshots into checkpoints and gives no other name for them.
    "saver/blobs.py": {"_DeltaSnapshot"},
}


def _imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.level:
            continue
        module = node.module or ""
        if module.split(".")[0].startswith("langchain_durable"):
            continue
        if module.startswith(FOREIGN):
            yield from module.split(".")
            yield from (alias.name for alias in node.names)


def _private(source: Path) -> set[str]:
    return {name for name in _imports(source) if name.startswith("_") or name in INTERNAL}


def test_private_names_of_others_are_imported_where_it_is_said() -> None:
    found = {
        source.relative_to(PACKAGE).as_posix(): names
        for source in PACKAGE.rglob("*.py")
        if (names := _private(source))
    }
    assert found == ALLOWED


def test_langgraphs_private_keys_are_named_where_it_is_said() -> None:
    naming = {
        source.relative_to(PACKAGE).as_posix()
        for source in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("__pregel_")
    }
    # labels.py reads the word in the path of a task that was sent.
    assert naming == {"touchpoints/langgraph.py", "identity/labels.py"}
