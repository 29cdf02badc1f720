"""The SDK of OpenTelemetry, and its exporters, are imported in the telemetry's rooms only.

The layers' linter sees packages as wholes, and the API is everybody's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "langchain_durable"

SDK = ("opentelemetry.sdk", "opentelemetry.exporter")

ROOMS = {"costs", "instrumenting", "instrumentor.py", "metrics", "spans", "tracing"}
EXPORTS = {"cli/export.py", "cli/otlp.py", "reading/exporting.py"}
"""What sends the spans of runs that are in the journal."""


def _modules(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_the_sdk_of_opentelemetry_is_imported_where_it_is_said() -> None:
    found = {
        source.relative_to(PACKAGE).as_posix()
        for source in PACKAGE.rglob("*.py")
        if any(module.startswith(SDK) for module in _modules(source))
    }
    assert {name for name in found if name.split("/")[0] not in ROOMS} == EXPORTS
