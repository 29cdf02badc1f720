"""What runs cost, as a few lines of totals and a table with bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from langchain_durable.cli import money, times
from langchain_durable.cli.money import usd
from langchain_durable.cli.output import one_line, print_table

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals
    from langchain_durable.costs.ledger import Dimension
    from langchain_durable.reading.spending import Spending

_WIDE, _MIDDLE = 100, 78
_BAR = {True: 20, False: len("of cost")}
_MOST_ROWS = 50


def print_costs(
    console: Console, spent: Spending, by: Dimension, *, full: bool, chosen: bool
) -> None:
    """Print totals and the rows of one dimension. ``full``: older runs may have been left out.
    ``chosen``: only some runs were asked for."""
    if not spent.runs and not spent.expired:
        console.print("There are no such runs." if chosen else "There are no runs yet.")
        return
    total = spent.ledger.total
    for name, value in _headlines(spent, total):
        console.print(Text.assemble((f"{name:<9}", "dim"), value), soft_wrap=False)
    rows = spent.ledger.by(by)
    console.print()
    if rows:
        print_table(console, _table(console.width, by, rows))
    else:
        console.print(Text(f"No call says its {by}.", style="dim"))
    if full:
        count = spent.runs + spent.expired
        console.print(Text(f"\nThe last {count} runs; --limit gives more.", style="dim"))


# -- totals -----------------------------------------------------------------------------------


def _headlines(spent: Spending, total: Totals) -> list[tuple[str, Text]]:
    lines = [("cost", _cost(total))]
    if total.tokens:
        lines.append(("tokens", Text(_tokens(total.tokens))))
    lines.append(("calls", _calls(total)))
    if total.unpriced:
        lines.append(("unpriced", Text(_unpriced(total.unpriced), style="yellow")))
    if total.replayed:
        amount = f"{usd(total.saved)} by " if total.saved else ""
        saved = f"{amount}{_count(total.replayed, 'replayed call')}"
        lines.append(("saved", Text(saved, style="cyan")))
    if total.failed_runs:
        lines.append(
            ("failed", Text(f"{usd(total.failed_runs)} spent on failed runs", style="red"))
        )
    runs = Text(f"{spent.runs:,}")
    if spent.expired:
        runs.append(f", and {spent.expired:,} whose journal has expired", style="yellow")
    return [*lines, ("runs", runs)]


def _unpriced(reasons: Counter[str]) -> str:
    counted = [(reason.replace("_", " "), count) for reason, count in reasons.most_common()]
    said = [reason if len(counted) == 1 else f"{count:,} {reason}" for reason, count in counted]
    return f"{_count(reasons.total(), 'call')}: {', '.join(said)}"


def _cost(total: Totals) -> Text:
    text = Text(money.total(total), style="bold")
    if total.estimated:
        text.append(f"  {usd(total.estimated)} of it estimated", style="not bold yellow")
    return text


def _tokens(tokens: Mapping[str, int]) -> str:
    def part(*names: tuple[str, str]) -> str:
        said = [f"{tokens[name]:,} {word}" for name, word in names if tokens.get(name)]
        return f" ({', '.join(said)})" if said else ""

    cached = part(("cache_read", "from cache"), ("cache_write", "to cache"))
    thought = part(("reasoning", "reasoning"))
    went_in, came_out = tokens.get("input", 0), tokens.get("output", 0)
    return f"{went_in:,} in{cached}, {came_out:,} out{thought}"


def _calls(total: Totals) -> Text:
    text = Text(f"{total.calls:,}")
    if total.mean_duration is not None:
        text.append(f", {times.span(total.mean_duration / 1e9)} on average")
    if total.errors:
        text.append(", ").append(f"{_percent(total.error_rate)} failed", style="red")
    if total.crashed:
        text.append(", ").append(f"{total.crashed:,} cut off by a crash", style="red")
    return text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _percent(rate: float | None) -> str:
    if rate is None:
        return ""
    return f"{rate * 100:.0f}%" if rate >= 0.1 or not rate else f"{rate * 100:.1f}%"


# -- rows -------------------------------------------------------------------------------------

_Column = tuple[str, Callable[["Totals"], str | Text]]


def _table(width: int, by: Dimension, rows: Mapping[str, Totals]) -> Table:
    priced = any(totals.cost for totals in rows.values())
    ordered = _ordered(by, rows, priced=priced)
    bar = _BAR[width >= _WIDE] if width >= _MIDDLE else 0
    columns = _columns(width, ordered)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(by, overflow="fold", min_width=10, ratio=None)
    if bar:
        table.add_column("of cost" if priced else "of time", width=bar, no_wrap=True)
    for name, _ in columns:
        table.add_column(name, justify="right", no_wrap=True)
    most = max(map(_weight(priced), rows.values()), default=Decimal(0))
    for key, totals in ordered[:_MOST_ROWS]:
        cells = [Text(one_line(key))]
        if bar:
            cells.append(_bar(_weight(priced)(totals), most, bar))
        table.add_row(*cells, *(cell(totals) for _, cell in columns))
    if len(ordered) > _MOST_ROWS:
        table.add_row(Text(f"… {len(ordered) - _MOST_ROWS} more; --json has all", style="dim"))
    return table


def _ordered(
    by: Dimension, rows: Mapping[str, Totals], *, priced: bool
) -> list[tuple[str, Totals]]:
    if by == "day":
        return sorted(rows.items(), reverse=True)
    weight = _weight(priced)
    return sorted(rows.items(), key=lambda row: (-weight(row[1]), row[0]))


def _weight(priced: bool) -> Callable[[Totals], Decimal]:
    return lambda totals: totals.cost if priced else Decimal(totals.duration)


def _columns(width: int, rows: Sequence[tuple[str, Totals]]) -> list[_Column]:
    """The columns that say something about these rows, and fit."""
    spent = any(totals.tokens for _, totals in rows)
    cached = any(totals.tokens["cache_read"] for _, totals in rows)
    priced = any(totals.cost for _, totals in rows)
    unpriced = any(totals.unpriced for _, totals in rows)
    columns: list[tuple[bool, _Column]] = [
        (priced, ("cost", lambda totals: usd(totals.cost) if totals.cost else "-")),
        (spent, ("in", lambda totals: _short(totals.tokens["input"]))),
        (spent and cached, ("cached", lambda totals: _short(totals.tokens["cache_read"]))),
        (spent, ("out", lambda totals: _short(totals.tokens["output"]))),
        (True, ("calls", lambda totals: _short(totals.calls))),
        (True, ("average", _average)),
        (True, ("failed", _failed)),
        (
            unpriced and width >= _WIDE,
            ("unpriced", lambda totals: _short(sum(totals.unpriced.values()))),
        ),
    ]
    return [column for wanted, column in columns if wanted]


def _average(totals: Totals) -> str:
    mean = totals.mean_duration
    return "-" if mean is None else times.span(mean / 1e9)


def _failed(totals: Totals) -> Text:
    return Text(_percent(totals.error_rate) or "-", style="red" if totals.errors else "dim")


def _short(number: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= size * 0.9995:  # what would be rounded up to it
            scaled = number / min(size, 10**3 if unit == "k" else size)
            return f"{scaled:.{max(0, 2 - (scaled >= 10) - (scaled >= 100))}f}{unit}"
    return f"{number:,}" if number else "-"


def _bar(value: Decimal, most: Decimal, width: int) -> Text:
    halves = int(value * width * 2 / most) if most > 0 else 0
    if value > 0:
        halves = max(1, halves)
    return Text("━" * (halves // 2) + "╸" * (halves % 2), style="cyan")
