"""``show``: one run."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from langgraph.types import Interrupt
from rich.console import Console

from langchain_durable.cli.jaeger import EXAMPLE, trace_url
from langchain_durable.cli.results import questions
from langchain_durable.cli.show_view import print_way_on
from langchain_durable.events import RunStatus
from langchain_durable.journal import HeaderField
from tests.cli.conftest import LONG, STRANGE, Cli
from tests.cli.priced import TRACE
from tests.spans.journals import header


def test_a_completed_run_shows_its_steps_and_its_result(filled: Cli) -> None:
    said = filled("show", "done")

    assert said.code == 0
    assert "status   completed" in said.out
    assert "✓ tool      weigh" in said.out
    assert said.out.rstrip().endswith("coffee: 250 g, wrapped")


def test_a_crashed_step_is_visible_and_the_way_on_is_named(filled: Cli) -> None:
    said = filled("show", "crashed")

    assert "✗ tool      wrap_up" in said.out
    assert "crashed" in said.out
    assert "langchain-durable resume crashed --app" in said.out


def test_an_error_is_told_once_and_its_text_is_no_markup(filled: Cli) -> None:
    said = filled("show", "broken")

    assert said.out.count("ValueError: no [red]paper[/red] left") == 1


def test_json_has_the_checkpoint_and_the_attempts(filled: Cli) -> None:
    shown = filled("show", "crashed", "--json").json()

    assert shown["status"] == "running"
    assert shown["alive"] is False
    assert [step["outcome"] for step in shown["steps"]] == ["completed", "crashed"]
    (attempt,) = shown["attempts"]
    assert f"crashed  process {attempt['pid']}\n" in filled("show", "crashed").out
    assert [step["name"] for step in attempt["steps"]] == ["weigh", "wrap_up"]
    assert shown["created"].endswith("+00:00")


def test_long_names_do_not_break_out_of_80_columns(filled: Cli) -> None:
    said = filled("show", LONG, COLUMNS="80")

    assert max(map(len, said.out.splitlines())) <= 80


def test_an_id_with_brackets_and_umlauts_is_found(filled: Cli) -> None:
    assert STRANGE in filled("show", STRANGE).out


def test_an_unknown_run_is_an_error_that_says_where_to_look(filled: Cli) -> None:
    for command in ("show", "events", "cancel"):
        said = filled(command, "nobody")
        assert (said.code, said.out) == (1, "")
        assert "Run 'nobody': there is no such run." in said.err
        assert "langchain-durable runs" in said.err


def test_an_id_that_cannot_be_one_is_refused(filled: Cli) -> None:
    said = filled("show", "a\nb")

    assert said.code == 1
    assert "This cannot be a run id." in said.err


def test_the_cost_and_the_trace_of_a_run_are_shown(priced: Cli) -> None:
    said = priced("show", "asked")
    shown = priced("show", "asked", "--json").json()

    assert "cost     $0.0108\n" in said.out
    assert f"trace    {TRACE}\n" in said.out
    assert (shown["cost"], shown["unpriced"]) == ("0.01075", {})
    assert "cost     not known, 1 call unpriced\n" in priced("show", "unpriced").out


def test_a_run_that_nobody_priced_shows_no_cost(filled: Cli) -> None:
    assert "cost " not in filled("show", "done").out


def test_the_link_to_jaeger_is_shown_whole(priced: Cli) -> None:
    said = priced("show", "asked", "--jaeger", EXAMPLE, COLUMNS="40")

    assert f"jaeger   http://localhost:16686/trace/{TRACE}\n" in said.out


def test_there_is_no_link_where_nobody_named_a_jaeger(priced: Cli) -> None:
    assert "jaeger" not in priced("show", "asked").out
    assert priced("show", "asked", "--json").json()["jaeger"] is None


def test_jaegers_url_is_the_options_or_the_variables(priced: Cli) -> None:
    variable = {"LANGCHAIN_DURABLE_JAEGER_URL": "https://traces.example.org/jaeger/"}
    page = f"https://traces.example.org/jaeger/trace/{TRACE}"

    assert priced("show", "asked", "--json", **variable).json()["jaeger"] == page
    option = ("--jaeger", "http://[::1]:80")
    shown = priced("show", "asked", "--json", *option, **variable).json()
    assert shown["jaeger"] == f"http://[::1]:80/trace/{TRACE}"


@pytest.mark.parametrize(
    "url", ["localhost:16686", "ftp://a", "http://", "http://a?b", "http://a:b", "http://[a"]
)
def test_a_url_that_is_none_is_refused(priced: Cli, url: str) -> None:
    said = priced("show", "asked", "--jaeger", url)

    assert (said.code, said.out) == (1, "")
    assert "Jaeger's URL is not understood." in said.err
    assert "LANGCHAIN_DURABLE_JAEGER_URL" in said.err


def test_a_run_that_was_not_sampled_has_no_link() -> None:
    sampled = header()
    assert trace_url(EXAMPLE, sampled) != ""
    for fields in ({**sampled.fields, HeaderField.UNSAMPLED: b"1"}, {}):
        assert trace_url(EXAMPLE, replace(sampled, fields=fields)) == ""


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("Send it?", "Send it?"),
        ({"send": True, "to": ("Bär", None)}, '{"send": true, "to": ["Bär", null]}'),
    ],
)
def test_what_a_run_asks_is_written_as_an_answer_is(asked: Any, text: str) -> None:
    assert questions({"__interrupt__": [Interrupt(asked, id="7")]}) == f"asks 7: {text}"
    assert questions({"messages": []}) == ""


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("ValueError", "langchain-durable resume --app MODULE:RUNNABLE -- -x"),
        ("StepInDoubt", "langchain-durable resolve --result RESULT -- -x STEP"),
    ],
)
def test_an_id_that_looks_like_an_option_stays_one_in_the_way_on(reason: str, command: str) -> None:
    out = StringIO()
    failed = header(RunStatus.FAILED, reason=reason)
    print_way_on(Console(file=out), replace(failed, run_id="-x"))

    assert command in out.getvalue()
