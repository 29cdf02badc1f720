"""How calls end: the same from an exception as from the journal's record of it."""

from __future__ import annotations

import asyncio

import pytest
from langgraph.errors import GraphInterrupt, ParentCommand
from langgraph.types import Command, Interrupt
from opentelemetry.trace import StatusCode

from langchain_durable import semconv
from langchain_durable.errors import RunBusy
from langchain_durable.events import Outcome
from langchain_durable.spans.outcomes import DESCRIPTION_LIMIT, describe, ended, failed, outcome_of


class Silent(Exception):
    """Its message cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no message")


EXCEPTIONS: list[BaseException] = [
    ValueError("bad"),
    RunBusy("order-42", "it runs."),
    asyncio.CancelledError(),
    KeyboardInterrupt(),
    GeneratorExit(),
    GraphInterrupt(),
    ParentCommand(Command(goto="x")),
    ValueError("long" * 10_000),
]


@pytest.mark.parametrize("exc", EXCEPTIONS, ids=lambda exc: type(exc).__name__)
def test_the_journal_says_the_same_of_an_end(exc: BaseException) -> None:
    live, told = failed(exc)
    again, rebuilt = ended(outcome_of(exc), describe(exc))
    assert outcome_of(exc) is outcome_of(exc)
    assert told == rebuilt
    assert (live.status_code, live.description) == (again.status_code, again.description)


def test_builtin_errors_are_named_without_their_module() -> None:
    assert failed(ValueError("bad"))[1][semconv.ERROR_TYPE] == "ValueError"
    told = failed(RunBusy("order-42", "it runs."))[1]
    assert told[semconv.ERROR_TYPE] == "langchain_durable.errors.RunBusy"


@pytest.mark.parametrize("exc", [GraphInterrupt(), ParentCommand(Command(goto="x"))])
def test_control_flow_is_no_error(exc: BaseException) -> None:
    status, told = failed(exc)
    assert status.status_code is StatusCode.UNSET
    assert told == {semconv.OUTCOME: "interrupted"}


def test_a_cancelled_call_is_an_error_with_an_outcome_of_its_own() -> None:
    status, told = failed(asyncio.CancelledError())
    assert status.status_code is StatusCode.ERROR
    assert told == {
        semconv.OUTCOME: "cancelled",
        semconv.ERROR_TYPE: "asyncio.exceptions.CancelledError",
    }


def test_an_error_whose_message_cannot_be_made_is_told_by_its_class() -> None:
    status, told = failed(Silent())
    assert status.description == "<Silent whose message cannot be made: RuntimeError>"
    assert str(told[semconv.ERROR_TYPE]).endswith("Silent")


def test_an_interrupt_is_told_by_what_it_asks() -> None:
    asked = (Interrupt(value={"delete": "ada"}), Interrupt(value="sure?"))
    assert describe(GraphInterrupt(asked)).message == "{'delete': 'ada'}\nsure?"


def test_a_long_message_is_cut() -> None:
    status, _ = failed(ValueError("x" * 100_000))
    assert status.description == "x" * DESCRIPTION_LIMIT


def test_a_crash_says_that_its_end_was_made_up() -> None:
    status, told = ended(Outcome.CRASHED)
    assert status.status_code is StatusCode.ERROR
    assert told == {
        semconv.OUTCOME: "crashed",
        semconv.ERROR_TYPE: "process_crash",
        semconv.SYNTHETIC_END: True,
    }
