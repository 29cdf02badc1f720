"""Figures as a plain table for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.bench import Benchmark
from benchmarks.row import Row

_HEADS = ("", "figure", "by minima", "target", "", "")


def table(benchmark: Benchmark, rows: Sequence[Row]) -> str:
    """One benchmark's rows, aligned."""
    cells = [_HEADS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    lines = [_line(line, widths) for line in cells]
    return "\n".join([f"== {benchmark.name}: {benchmark.title}", *lines, ""])


def _cells(row: Row) -> tuple[str, ...]:
    value = "-" if row.value is None else f"{number(row.value)} {row.unit}"
    minima = "" if row.minima is None else number(row.minima)
    target = "" if row.target is None else str(row.target)
    return (row.case, value, minima, target, row.verdict, row.detail)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    case, *rest = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([case, *rest]).rstrip()


def number(value: float) -> str:
    """Three digits or so: what is more is noise."""
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def summary(found: Mapping[str, Sequence[Row]]) -> str:
    """Which targets were missed, and what was not measured at all."""
    every = [(name, row) for name, rows in found.items() for row in rows]
    judged = [row for _, row in every if row.target is not None]
    passed = sum(row.verdict == "pass" for row in judged)
    lines = [f"{passed} of {len(judged)} targets reached"]
    for name, row in every:
        if row.verdict in ("MISS", "SKIPPED"):
            shown = "" if row.value is None else f" {number(row.value)}, {row.target}"
            lines.append(f"  {row.verdict}: {name}: {row.case}:{shown} {row.detail}".rstrip())
    return "\n".join(lines)


def document(
    about: Mapping[str, str], found: Mapping[str, Sequence[Row]], *, quick: bool
) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "about": dict(about),
        "quick": quick,
        "benchmarks": {name: [_plain(row) for row in rows] for name, rows in found.items()},
    }


def _plain(row: Row) -> dict[str, Any]:
    plain = asdict(row)
    if row.target is not None:
        plain["target"] = str(row.target)
    return {**plain, **row.more, "verdict": row.verdict}
