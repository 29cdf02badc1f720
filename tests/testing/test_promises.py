"""A journal in which a finished step was made again is found out."""

from __future__ import annotations

from langchain_durable.events import Entry, Event, Outcome, StepEnded, StepKind, StepStarted
from langchain_durable.testing.promises import repeated_steps


def entries(*events: tuple[int, Event]) -> list[Entry]:
    return [
        Entry(seq=number, attempt=attempt, event=event)
        for number, (attempt, event) in enumerate(events, 1)
    ]


def started(step: bytes) -> StepStarted:
    return StepStarted(
        step=step, kind=StepKind.TOOL, name="mail", time=1, span_id="", parent_span_id=""
    )


def ended(step: bytes, outcome: Outcome = Outcome.COMPLETED, recorded: bool = True) -> StepEnded:
    return StepEnded(step=step, outcome=outcome, time=2, recorded=recorded)


def test_a_step_made_once_keeps_the_promise() -> None:
    assert repeated_steps(entries((1, started(b"a")), (1, ended(b"a")))) == []


def test_a_step_in_flight_at_the_kill_may_be_made_again() -> None:
    journal = entries((1, started(b"a")), (2, started(b"a")), (2, ended(b"a")))
    assert repeated_steps(journal) == []


def test_a_finished_step_made_again_is_named_with_its_attempts() -> None:
    journal = entries((1, started(b"a")), (1, ended(b"a")), (3, started(b"a")))
    assert repeated_steps(journal) == ["tool mail: ended in attempt 1, started again in attempt 3"]


def test_a_step_that_failed_or_could_not_be_recorded_may_be_made_again() -> None:
    for end in (ended(b"a", Outcome.FAILED), ended(b"a", recorded=False)):
        assert repeated_steps(entries((1, started(b"a")), (1, end), (2, started(b"a")))) == []
