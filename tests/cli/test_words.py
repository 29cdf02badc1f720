"""What errors look like in the terminal."""

from __future__ import annotations

from uuid import uuid4

import pytest

from langchain_durable.cli.words import reason_text
from langchain_durable.errors import InvalidRunId, RunError
from langchain_durable.events import ErrorInfo, Outcome
from langchain_durable.ids import checked


@pytest.mark.parametrize(
    ("message", "said"), [("", "KeyboardInterrupt"), ("twice", "KeyboardInterrupt: twice")]
)
def test_an_error_without_a_message_is_its_name(message: str, said: str) -> None:
    error = ErrorInfo(module="builtins", qualname="KeyboardInterrupt", message=message)

    assert reason_text(Outcome.FAILED, error, 100).plain == said


def test_an_error_of_a_run_without_an_id_names_none() -> None:
    assert str(RunError("", "len cannot be recorded.")) == "len cannot be recorded."
    assert str(RunError("7", "it is busy.", do="wait")) == "Run '7': it is busy. Do: wait."


@pytest.mark.parametrize("run_id", [7, uuid4()])
def test_an_id_of_another_type_is_to_be_made_a_string(run_id: object) -> None:
    with pytest.raises(InvalidRunId, match=r"str\(\.\.\.\)"):
        checked(run_id)
