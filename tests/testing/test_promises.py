"""A journal in which a finished step was made again is found out."""

from __future__ import annotations

from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    Event,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.testing.promises import repeated_steps, unanswered_steps


def entries(*events: tuple[int, Event]) -> list[Entry]:
    return [
        Entry(seq=number, attempt=attempt, event=event)
        for number, (attempt, event) in enumerate(events, 1)
    ]


def started(step: bytes) -> StepStarted:
    return StepStarted(
        step=step,
        kind=StepKind.TOOL,
        name="mail",
        time=1,
        span_id="",
        parent_span_id="",
        nodes=(Node(id=step, parent=b"", label="tool:mail", ordinal=step[0], fingerprint=b""),),
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


BEGUN = AttemptStarted(time=1, owner="o", span_id="")
COMPLETED = AttemptEnded(status=RunStatus.COMPLETED, time=3)


def unanswered(*events: tuple[int, Event]) -> list[bytes]:
    return [step.node.id for step in unanswered_steps(entries(*events))]


def test_a_kill_leaves_the_step_in_flight_unanswered() -> None:
    assert unanswered((1, BEGUN), (1, started(b"a"))) == [b"a"]


def test_an_error_is_answered_once_something_has_begun_after_it() -> None:
    failed = (1, BEGUN), (1, started(b"a")), (1, ended(b"a", Outcome.FAILED))
    assert unanswered(*failed) == [b"a"]
    assert unanswered(*failed, (1, started(b"b"))) == [b"b"]


def test_each_attempt_that_was_killed_counts_and_one_that_ended_does_not() -> None:
    first = (1, BEGUN), (1, started(b"a"))
    second = (2, BEGUN), (2, started(b"a")), (2, ended(b"a", Outcome.FAILED))
    third = (3, BEGUN), (3, started(b"a")), (3, ended(b"a", Outcome.FAILED)), (3, COMPLETED)
    assert unanswered(*first, *second, *third) == [b"a", b"a"]
