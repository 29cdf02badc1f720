"""A run's spans from its journal alone: the same as the live ones, and closed after a crash."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import StatusCode

from langchain_durable import semconv
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Event,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.journal import Header
from langchain_durable.spans.chains import agent_started
from langchain_durable.spans.compact import compact
from langchain_durable.spans.left import ABOVE, LEFT
from langchain_durable.spans.rebuild import rebuilt
from tests.spans.journals import ROOT, RUN_ID, TRACE, entries_of, header

RESOURCE = Resource({"service.name": "shop"})
SCOPE = InstrumentationScope("langchain_durable", "1.2.3")
ATTEMPT_SPAN = "00f067aa0ba902b7"
STEP_SPAN = "1111111111111111"


def _rebuilt(
    entries: list[Entry], head: Header | None = None, alive: int | None = None
) -> list[ReadableSpan]:
    head = head or header()
    return rebuilt(entries, head, resource=RESOURCE, scope=SCOPE, alive=alive)


def _named(spans: list[ReadableSpan], start: str) -> ReadableSpan:
    return next(span for span in spans if span.name.startswith(start))


def _attempt(time: int = 10, span_id: str = ATTEMPT_SPAN, **more: Any) -> AttemptStarted:
    return AttemptStarted(time=time, owner="me", span_id=span_id, **more)


def _step(time: int = 20, span_id: str = STEP_SPAN, step: bytes = b"s" * 8, **more: Any) -> Event:
    said: dict[str, Any] = {"kind": StepKind.TOOL, "name": "add", "parent_span_id": ATTEMPT_SPAN}
    return StepStarted(step=step, time=time, span_id=span_id, **{**said, **more})


def _done(time: int = 30, step: bytes = b"s" * 8, **more: Any) -> Event:
    return StepEnded(step=step, time=time, **{"outcome": Outcome.COMPLETED, **more})


def _given_back(time: int = 40, status: RunStatus = RunStatus.COMPLETED, **more: Any) -> Event:
    return AttemptEnded(status=status, time=time, **more)


# -- the tree -----------------------------------------------------------------------------------


def test_the_run_is_the_root_of_its_attempts_and_they_of_their_steps() -> None:
    entries = entries_of((1, _attempt()), (1, _step()), (1, _done()), (1, _given_back()))
    run, attempt, step = _rebuilt(entries, header(RunStatus.COMPLETED))
    assert (run.name, attempt.name, step.name) == (
        "durable_run shop",
        "durable_attempt",
        "execute_tool add",
    )
    assert {f"{span.context.trace_id:032x}" for span in (run, attempt, step)} == {TRACE}
    assert f"{run.context.span_id:016x}" == ROOT
    assert run.parent is None
    assert attempt.parent == run.context
    assert step.parent == attempt.context
    assert [(span.start_time, span.end_time) for span in (run, attempt, step)] == [
        (10, 40),
        (10, 40),
        (20, 30),
    ]


def test_resource_and_scope_are_those_of_the_exporting_provider() -> None:
    entries = entries_of((1, _attempt()), (1, _given_back()))
    run, attempt = _rebuilt(entries, header(RunStatus.COMPLETED))
    for span in (run, attempt):
        assert span.resource == RESOURCE
        assert span.instrumentation_scope == SCOPE


def test_a_run_that_is_not_over_has_no_span_yet() -> None:
    entries = entries_of((1, _attempt()), (1, _given_back(status=RunStatus.PAUSED)))
    (attempt,) = _rebuilt(entries, header(RunStatus.PAUSED))
    assert attempt.status.status_code is StatusCode.UNSET
    assert (attempt.attributes or {})[semconv.STATUS] == "paused"


def test_a_failed_run_says_why() -> None:
    error = ErrorInfo(module="builtins", qualname="ValueError", message="no such city")
    entries = entries_of((1, _attempt()), (1, _given_back(status=RunStatus.FAILED, error=error)))
    run, attempt = _rebuilt(entries, header(RunStatus.FAILED))
    for span in (run, attempt):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "no such city"
        assert (span.attributes or {})[semconv.ERROR_TYPE] == "ValueError"


def test_an_attempt_with_a_trace_of_its_own_is_linked_to_the_run() -> None:
    other = "f" * 32
    entries = entries_of((1, _attempt(trace_id=other)), (1, _step()), (1, _done()))
    attempt, step = _rebuilt(entries)
    assert attempt.parent is None
    assert f"{attempt.context.trace_id:032x}" == f"{step.context.trace_id:032x}" == other
    assert [f"{link.context.span_id:016x}" for link in attempt.links] == [ROOT]


def test_an_attempt_is_linked_to_the_span_of_its_caller() -> None:
    caller: dict[str, Any] = {"linked_trace_id": "e" * 32, "linked_span_id": "c" * 16}
    (attempt,) = _rebuilt(entries_of((1, _attempt(**caller))))
    (link,) = attempt.links
    assert f"{link.context.trace_id:032x}" == "e" * 32
    assert f"{link.context.span_id:016x}" == "c" * 16


def test_rebuilt_spans_can_be_sent() -> None:
    caller: dict[str, Any] = {"linked_trace_id": "e" * 32, "linked_span_id": "c" * 16}
    events = (_attempt(**caller), _step(), _done(), _step(step=b"t" * 8, span_id="2" * 16))
    spans = _rebuilt(entries_of(*((1, event) for event in events)))
    (resource,) = encode_spans(spans).resource_spans
    (scope,) = resource.scope_spans
    assert scope.scope.name == "langchain_durable"
    assert [span.span_id.hex() for span in scope.spans] == [ATTEMPT_SPAN, STEP_SPAN, "2" * 16]
    assert [span.status.code for span in scope.spans] == [2, 0, 2]
    assert scope.spans[0].links[0].span_id.hex() == "c" * 16


# -- crashes ------------------------------------------------------------------------------------


def _crashed(span: ReadableSpan) -> bool:
    told = dict(span.attributes or {})
    return span.status.status_code is StatusCode.ERROR and told.items() >= {
        (semconv.ERROR_TYPE, "process_crash"),
        (semconv.OUTCOME, "crashed"),
        (semconv.SYNTHETIC_END, True),
    }


def test_what_a_crash_left_open_ends_with_the_last_entry_of_its_attempt() -> None:
    entries = entries_of(
        (1, _attempt()),
        (1, _step()),
        (1, _step(time=25, step=b"t" * 8, span_id="2" * 16)),
        (1, _done(time=33, step=b"t" * 8)),
        (2, _attempt(time=50, span_id="3" * 16)),
    )
    spans = _rebuilt(entries, header(attempt=2), alive=2)
    attempt, lost, kept = spans
    assert _crashed(attempt)
    assert _crashed(lost)
    assert not _crashed(kept)
    assert (attempt.end_time, lost.end_time, kept.end_time) == (33, 33, 33)
    assert f"{lost.context.span_id:016x}" == STEP_SPAN


def test_what_the_live_attempt_has_open_is_left_alone() -> None:
    entries = entries_of((1, _attempt()), (1, _step()))
    assert _rebuilt(entries, alive=1) == []


def test_a_step_that_outlived_its_attempt_is_cancelled() -> None:
    entries = entries_of((1, _attempt()), (1, _step()), (1, _given_back()))
    step = _named(_rebuilt(entries), "execute_tool")
    assert (step.attributes or {})[semconv.OUTCOME] == "cancelled"
    assert step.end_time == 40


def test_a_step_that_was_made_again_has_a_span_in_each_attempt() -> None:
    entries = entries_of(
        (1, _attempt()),
        (1, _step()),
        (2, _attempt(time=50, span_id="3" * 16)),
        (2, _step(time=60, span_id="4" * 16, parent_span_id="3" * 16)),
        (2, _done(time=70)),
        (2, _given_back(time=80)),
    )
    spans = _rebuilt(entries, header(RunStatus.COMPLETED, attempt=2))
    first, second = (span for span in spans if span.name == "execute_tool add")
    assert _crashed(first)
    assert (second.start_time, second.end_time) == (60, 70)
    attempts = [(span.attributes or {})[semconv.ATTEMPT] for span in (first, second)]
    assert attempts == [1, 2]


def test_an_end_whose_start_was_lost_makes_no_span() -> None:
    entries = entries_of((1, _attempt()), (1, _done()), (1, _given_back()))
    assert [span.name for span in _rebuilt(entries)] == ["durable_attempt"]


def test_a_journal_from_before_there_were_spans_gives_what_it_knows() -> None:
    entries = entries_of(
        (1, _attempt(span_id="")),
        (1, _step(kind=StepKind.MODEL, name="gpt-4o", attributes={"args": {}})),
        (1, _done()),
    )
    (step,) = _rebuilt(entries)
    assert step.name == "chat gpt-4o"
    assert (step.attributes or {})[semconv.REQUEST_MODEL] == "gpt-4o"


# -- agents -------------------------------------------------------------------------------------

_AGENT_SPAN = "a" * 16


def _under_agent(**more: Any) -> Event:
    start = agent_started("boss", {"thread_id": "thread-1"})
    declared = [_AGENT_SPAN, ATTEMPT_SPAN, 15, compact(start, kind=None, name="")]
    return _step(parent_span_id=_AGENT_SPAN, attributes={ABOVE: [declared]}, **more)


def test_an_agent_is_declared_by_the_first_step_in_it() -> None:
    entries = entries_of((1, _attempt()), (1, _under_agent()), (2, _attempt(time=50)))
    attempt, agent, step = _rebuilt(entries, alive=2)
    assert agent.name == "invoke_agent boss"
    assert agent.start_time == 15
    assert agent.parent == attempt.context
    assert step.parent == agent.context
    assert dict(agent.attributes or {}).items() >= {
        (semconv.CONVERSATION_ID, "thread-1"),
        (semconv.RUN_ID, RUN_ID),
    }
    assert _crashed(agent)


def test_an_agent_that_had_ended_before_the_crash_has_not_crashed() -> None:
    left = {LEFT: [[_AGENT_SPAN, 32, "completed", {}]]}
    entries = entries_of(
        (1, _attempt()),
        (1, _under_agent()),
        (1, _done()),
        (1, _step(time=35, step=b"t" * 8, span_id="2" * 16, attributes=left)),
    )
    agent = _named(_rebuilt(entries), "invoke_agent")
    assert agent.end_time == 32
    assert (agent.attributes or {})[semconv.OUTCOME] == "completed"
    assert agent.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    ("status", "reason", "outcome", "code"),
    [
        (RunStatus.COMPLETED, "", "completed", StatusCode.UNSET),
        (RunStatus.PAUSED, "interrupt", "interrupted", StatusCode.UNSET),
        (RunStatus.PAUSED, "cancelled", "cancelled", StatusCode.ERROR),
        (RunStatus.FAILED, "", "failed", StatusCode.ERROR),
    ],
)
def test_an_agent_that_was_open_to_the_end_ends_as_its_attempt(
    status: RunStatus, reason: str, outcome: str, code: StatusCode
) -> None:
    end = _given_back(status=status, reason=reason)
    entries = entries_of((1, _attempt()), (1, _under_agent()), (1, _done()), (1, end))
    agent = _named(_rebuilt(entries), "invoke_agent")
    assert (agent.attributes or {})[semconv.OUTCOME] == outcome
    assert agent.status.status_code is code
    assert agent.end_time == 40
