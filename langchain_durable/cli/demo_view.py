"""The demo as a story in the terminal, told while it happens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from langchain_durable.cli import times
from langchain_durable.cli.history import history
from langchain_durable.cli.output import print_table
from langchain_durable.cli.waterfall import print_attempts
from langchain_durable.demo.attempt import Attempt
from langchain_durable.demo.calls import Call, Line
from langchain_durable.demo.report import Fate, Report, Row
from langchain_durable.demo.scenario import QUESTION, RUN_ID
from langchain_durable.demo.source import shown_lines
from langchain_durable.demo.stage import Stage
from langchain_durable.events import Entry
from langchain_durable.journal import Header

_NAME = 18
_WORTH_SAYING = 0.01
_ADDED = (
    "from langchain_durable import Durable",
    "durable = Durable()",
    "agent = durable.wrap(agent)",
)
_CALL = ("agent.invoke(inputs", ', durable.config("order-42")', ")")


class DemoView:
    """Tells the demo on a console. ``report`` is its end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._asked: dict[Call, int] = {}
        self._got: set[Call] = set()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Show that something is going on, where there is a terminal."""
        with self._console.status("starting the servers", spinner="dots") as self._status:
            yield
        self._status = None

    def _now(self, what: str) -> None:
        if self._status is not None:
            self._status.update(what)

    def _say(self, *parts: str | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts))

    def _title(self, number: str, title: str, more: str = "") -> None:
        self._console.print()
        self._say((f"{number} ", "bold cyan"), (title, "bold"), (more, "dim"))

    # -- what the demo tells --------------------------------------------------------

    def opened(self, stage: Stage) -> None:
        """The servers run."""
        self._say(("A LangChain agent is killed in the middle of its work, and goes on.", "bold"))
        self._say((f"Model: a scripted OpenAI server, {stage.models.url}", "dim"))
        self._say((f"Journal: {stage.server_name}; files: {stage.directory}", "dim"))
        self._title("1", "The program")
        for line, durable in shown_lines():
            mark = ("  > ", "bold green") if durable else ("    ", "")
            self._say(mark, (line, "bold green" if durable else ""))
        self._say(("\n    question: ", "dim"), QUESTION)

    def started(self, attempt: int, pid: int) -> None:
        """A process of the program was started."""
        self._asked.clear()
        if attempt == 1:
            self._title("2", "It runs", f"  process {pid}")
        else:
            self._title("4", f"It runs again, as {RUN_ID}", f"  process {pid}")
        self._now("Python imports LangChain")

    def heard(self, attempt: int, line: Line) -> None:
        """The program asked for a call, or got its result."""
        call = line.call
        if line.said == "ready":
            self._now("the agent is at work")
        elif line.said == "asked" and call is not None:
            self._asked[call] = line.time
            self._now(f"{call.kind} {call.name}")
        elif line.said == "got" and call is not None:
            seconds = (line.time - self._asked.pop(call)) / 1e9
            self._tell(call, seconds, from_journal=attempt == 2 and call in self._got)
            if attempt == 1:
                self._got.add(call)

    def _tell(self, call: Call, seconds: float, *, from_journal: bool) -> None:
        sign, style = ("↺", "cyan") if from_journal else ("✓", "green")
        took = f"{times.span(seconds):>10}"
        more = "  from the journal" if from_journal else ""
        self._say(
            (f"    {sign} ", style),
            (f"{call.kind:<10}", "dim"),
            f"{call.name:<{_NAME}}",
            (took + more, style if from_journal else ""),
        )

    def ended(self, attempt: Attempt) -> None:
        """A process has ended, by itself or by our hand."""
        if not attempt.killed:
            return
        for call in self._asked:
            self._say(
                ("    ✗ ", "bold red"),
                (f"{call.kind:<10}", "dim"),
                f"{call.name:<{_NAME}}",
                ("  cut off", "red"),
            )
        self._say(("    ✗ SIGKILL", "bold red"), (f"  process {attempt.pid} is dead", "red"))

    def journal(self, header: Header, entries: Sequence[Entry]) -> None:
        """The run as it lies there."""
        self._title("3", "What the journal has", f"  run {header.run_id}, {header.seq} entries")
        print_attempts(self._console, history(entries, alive=False), indent=4)

    # -- the end --------------------------------------------------------------------

    def report(self, report: Report) -> None:
        """What happened, what was saved, and whether it is true."""
        self._title("5", "What happened")
        print_table(self._console, _table(report))
        self._console.print()
        print_table(self._console, Padding(_facts(report), (0, 0, 0, 4), expand=False))
        self._console.print()
        for check in report.checks:
            sign, style = ("✓", "green") if check.holds else ("✗", "bold red")
            self._say((f"    {sign} ", style), (check.claim, style))
        self._say(
            ("      counted at the model server and in a file that the tools write to", "dim")
        )
        self._yours(report)

    def _yours(self, report: Report) -> None:
        self._title("6", "Your own agent")
        for line in _ADDED:
            self._say(("  + ", "bold green"), (line, "bold green"))
        before, config, after = _CALL
        self._say("    ", before, (config, "bold green"), after)
        if report.directory:
            self._console.print()
            self._say(("    kept: ", "dim"), report.directory)
            self._say(f"    langchain-durable show {RUN_ID} --url {report.journal}")


def _facts(report: Report) -> Table:
    first, second = report.requests
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    without = (f"  (from the beginning again: {report.requests_without})", "dim")
    grid.add_row("requests", Text.assemble(f"{first} + {second} = {first + second}", without))
    parts = [
        _count(report.saved("model"), "model call"),
        _count(report.saved("retriever"), "retrieval"),
        _count(report.saved("tool"), "tool call"),
        f"{report.saved_tokens} tokens" if report.saved_tokens else "",
        times.span(report.saved_seconds) if report.saved_seconds > _WORTH_SAYING else "",
    ]
    saved = ", ".join(filter(None, parts))
    grid.add_row("saved", saved or "nothing: no call had finished when it was killed")
    grid.add_row("answer", report.answer)
    return grid


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("    call", no_wrap=True)
    table.add_column("attempt 1", no_wrap=True)
    table.add_column("attempt 2", no_wrap=True)
    for row in report.rows:
        name = Text.assemble((f"    {row.call.kind:<10}", "dim"), row.call.name)
        table.add_row(name, _fate(row, 0), _fate(row, 1))
    return table


def _fate(row: Row, attempt: int) -> Text:
    seconds = row.seconds[attempt]
    took = times.span(seconds) if seconds is not None else ""
    match row.fates[attempt]:
        case Fate.RAN:
            return Text(f"ran {took}", style="green" if attempt == 0 else "")
        case Fate.KILLED:
            return Text("killed", style="bold red")
        case Fate.REPLAYED:
            return Text(f"replayed {took}", style="cyan")
        case Fate.UNNEEDED:
            return Text("inside a replayed call", style="cyan")
        case Fate.NONE:
            return Text("-", style="dim")
