"""The row of a comparison of CPU times."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.measure import Series, ratio
from benchmarks.row import Row, Target


def cpu_row(
    case: str,
    ours: Series,
    bare: Series,
    target: Target | None,
    *,
    said: str = "",
    more: Mapping[str, object] | None = None,
) -> Row:
    """``ours`` over ``bare``; ``said`` stands behind the milliseconds, ``more`` in the JSON."""
    cpu = ratio(ours, bare, "cpu")
    medians = [series.median("cpu") * 1e3 for series in (bare, ours)]
    least = [series.least("cpu") * 1e3 for series in (bare, ours)]
    return Row(
        case=case,
        value=cpu.paired,
        minima=cpu.minima,
        unit="x",
        target=target,
        detail=f"{medians[0]:.2f} -> {medians[1]:.2f} ms, +{cpu.added * 1e3:.2f}{said}",
        more={
            "totals": cpu.totals,
            "added_ms": cpu.added * 1e3,
            "bare_ms": {"median": medians[0], "least": least[0]},
            "ours_ms": {"median": medians[1], "least": least[1]},
            **(more or {}),
        },
    )
