import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_durable.codec import Codec
from langchain_durable.errors import JournalCorrupt
from langchain_durable.events import (
    ASKS,
    AttemptEnded,
    AttemptStarted,
    Entry,
    ErrorInfo,
    Event,
    Interrupt,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Header
from langchain_durable.reading.checkpoint import Checkpoint, Unreadable, to_json
from langchain_durable.reading.fold import Fold, fold

CODEC = Codec()
SECOND = 10**9
TRACE = "ab" * 16


def encoded(value: Any) -> bytes:
    return CODEC.encode(value, bind=b"")


def decode(entry: Entry) -> Any:
    assert entry.payload is not None
    return CODEC.decode(entry.payload, bind=b"")


def read_input(data: bytes) -> Any:
    return CODEC.decode(data, bind=b"")


HEADER = Header(
    run_id="order-42",
    format=1,
    status=RunStatus.RUNNING,
    reason="",
    attempt=1,
    seq=0,
    owner="",
    lease_ms=0,
    stalls=0,
    created=SECOND,
    updated=2 * SECOND,
    cancel=False,
    journal_alive=True,
    fingerprint=b"",
    version="",
    fields={"input": encoded({"messages": [HumanMessage("hi")]}), "metadata": b'{"team": "a"}'},
)


class Journal:
    """Entries as a run writes them, one clock tick each."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.attempt = 0

    def add(self, event: Event, payload: bytes | None = None) -> None:
        seq = len(self.entries) + 1
        self.entries.append(Entry(seq=seq, attempt=self.attempt, event=event, payload=payload))

    def now(self) -> int:
        return (len(self.entries) + 1) * SECOND

    def begin(self, trace_id: str = TRACE) -> None:
        self.attempt += 1
        self.add(AttemptStarted(time=self.now(), owner="o", span_id="", trace_id=trace_id))

    def start(self, step: bytes, kind: StepKind = StepKind.MODEL, **more: Any) -> None:
        root = Node(id=b"r", parent=b"", label="agent", ordinal=0, fingerprint=b"")
        node = Node(id=step, parent=b"r", label=f"call {step.decode()}", ordinal=0, fingerprint=b"")
        event = StepStarted(
            step=step,
            kind=kind,
            name="name",
            time=self.now(),
            span_id="cd" * 8,
            parent_span_id="",
            nodes=(root, node),
            **more,
        )
        self.add(event)

    def end(self, step: bytes, value: Any = None, **more: Any) -> None:
        event = StepEnded(step=step, time=self.now(), **{"outcome": Outcome.COMPLETED, **more})
        self.add(event, None if value is None else encoded(value))

    def finish(self, status: RunStatus, value: Any = None, **more: Any) -> None:
        event = AttemptEnded(status=status, time=self.now(), **more)
        self.add(event, None if value is None else encoded(value))

    def fold(self, status: RunStatus = RunStatus.RUNNING) -> Checkpoint:
        header = replace(HEADER, status=status, attempt=max(self.attempt, 1))
        return fold(header, self.entries, decode, read_input=read_input)


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    journal.begin()
    return journal


def test_a_completed_run_tells_its_whole_story(journal: Journal) -> None:
    answer = AIMessage("done")
    journal.start(b"m")
    journal.end(b"m", {"g": [answer]}, usage=Usage(input_tokens=1, total_tokens=1))
    journal.finish(RunStatus.COMPLETED, {"output": "done"})
    state = journal.fold(RunStatus.COMPLETED)
    assert state.result == {"output": "done"}
    assert state.messages == (HumanMessage("hi"), answer)
    assert (state.step, state.attempt, state.trace_id) == (1, 1, TRACE)
    assert state.metadata == {"team": "a"}
    assert (state.created, state.updated) == (SECOND, 2 * SECOND)
    step = state.steps[0]
    assert (step.number, step.id, step.path) == (1, b"m".hex(), ("agent", "call m"))
    assert (step.started, step.ended, step.duration) == (2 * SECOND, 3 * SECOND, SECOND)
    assert step.outcome is Outcome.COMPLETED


def test_a_step_in_flight_has_no_outcome(journal: Journal) -> None:
    journal.start(b"m")
    assert journal.fold().steps[0].outcome is None


def test_a_step_left_open_by_an_attempt_that_is_over_has_crashed(journal: Journal) -> None:
    journal.start(b"m")
    journal.begin()
    assert journal.fold().steps[0].outcome is Outcome.CRASHED


@pytest.mark.parametrize("status", [RunStatus.PAUSED, RunStatus.FAILED, RunStatus.CANCELLED])
def test_a_step_left_open_by_a_run_that_stopped_has_crashed(
    journal: Journal, status: RunStatus
) -> None:
    journal.start(b"m")
    assert journal.fold(status).steps[0].outcome is Outcome.CRASHED


ASKED = [{"id": "1", "value": {"delete": "ada"}}, {"id": "2", "value": "sure?"}]


def paused(journal: Journal, asked: Any) -> Checkpoint:
    journal.finish(RunStatus.PAUSED, asked, reason=ASKS)
    header = replace(HEADER, status=RunStatus.PAUSED, reason=ASKS)
    return fold(header, journal.entries, decode, read_input=read_input)


def test_a_run_that_waits_for_a_person_says_what_it_asks(journal: Journal) -> None:
    state = paused(journal, ASKED)
    assert state.interrupts == (Interrupt("1", {"delete": "ada"}), Interrupt("2", "sure?"))
    assert to_json(state)["interrupts"] == ASKED
    assert state.result is None


def test_a_run_that_goes_on_asks_nothing(journal: Journal) -> None:
    paused(journal, ASKED)
    journal.begin()
    assert journal.fold().interrupts == ()


@pytest.mark.parametrize("asked", [7, [7], {"a": "b"}, [{"id": "1"}]])
def test_questions_that_cannot_be_read_are_questions_still(journal: Journal, asked: Any) -> None:
    (question,) = paused(journal, asked).interrupts
    assert isinstance(question.value, Unreadable)


def test_a_step_that_ran_again_counts_as_the_newest_attempt_left_it(journal: Journal) -> None:
    journal.start(b"a")
    journal.start(b"b")
    journal.begin()
    journal.start(b"b")
    journal.end(b"b", {"v": 1})
    first, second = journal.fold().steps
    assert (first.id, first.outcome, first.attempts) == (b"a".hex(), Outcome.CRASHED, 1)
    assert (second.number, second.outcome) == (2, Outcome.COMPLETED)
    assert (second.attempt, second.attempts) == (2, 2)


def test_a_step_that_is_running_again_has_no_outcome_of_its_past(journal: Journal) -> None:
    journal.start(b"a")
    journal.end(b"a", outcome=Outcome.FAILED, error=ErrorInfo(module="", qualname="E", message=""))
    journal.begin()
    journal.start(b"a")
    step = journal.fold().steps[0]
    assert (step.outcome, step.error, step.ended) == (None, None, None)


def test_a_step_resolved_by_a_person_is_completed_with_that_value(journal: Journal) -> None:
    journal.start(b"t", StepKind.TOOL)
    journal.begin()
    journal.end(b"t", {"v": "refunded"})
    assert journal.fold().tool_results == {b"t".hex(): "refunded"}


def test_a_step_that_a_person_lets_run_again_stays_crashed_until_it_does(journal: Journal) -> None:
    journal.start(b"t", StepKind.TOOL)
    journal.begin()
    journal.end(b"t", recorded=False)
    assert journal.fold().steps[0].outcome is Outcome.CRASHED


def test_tokens_of_all_attempts_are_counted(journal: Journal) -> None:
    usage = Usage(input_tokens=2, output_tokens=1, total_tokens=3, input_details={"cache": 1})
    for _ in range(2):
        journal.start(b"m")
        journal.end(b"m", usage=usage)
        journal.begin()
    assert journal.fold().usage == Usage(
        input_tokens=4, output_tokens=2, total_tokens=6, input_details={"cache": 2}
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sunny", ToolMessage("sunny", tool_call_id="c1", name="name")),
        ({"t": 20}, ToolMessage('{"t": 20}', tool_call_id="c1", name="name")),
        (("sunny", [1]), ToolMessage("sunny", tool_call_id="c1", name="name", artifact=[1])),
        (ToolMessage("own", tool_call_id="c2"), ToolMessage("own", tool_call_id="c2")),
    ],
)
def test_a_tools_result_is_a_message_of_its_call(
    journal: Journal, value: Any, message: ToolMessage
) -> None:
    journal.start(b"t", StepKind.TOOL, attributes={"tool_call_id": "c1"})
    journal.end(b"t", {"v": value})
    state = journal.fold()
    assert state.messages[1:] == (message,)
    assert state.tool_results == {b"t".hex(): value}


def test_messages_stand_in_the_order_in_which_their_steps_ended(journal: Journal) -> None:
    journal.start(b"a")
    journal.start(b"b")
    journal.end(b"b", {"g": [AIMessage("first")]})
    journal.end(b"a", {"g": [AIMessage("second")]})
    assert [message.content for message in journal.fold().messages] == ["hi", "first", "second"]


@pytest.mark.parametrize(
    "value",
    [
        "hi",
        [HumanMessage("hi")],
        {"messages": [{"role": "user", "content": "hi"}]},
        {"messages": [("user", "hi")]},
        {"input": "hi"},
        HumanMessage("hi"),
    ],
)
def test_the_inputs_messages_are_found_in_every_usual_form(value: Any) -> None:
    header = replace(HEADER, fields={"input": encoded(value)})
    assert fold(header, [], decode, read_input=read_input).messages == (HumanMessage("hi"),)


@pytest.mark.parametrize("value", [None, 3, {"x": 1}, [1, 2], [], {"messages": {"a": 1}}])
def test_an_input_without_a_conversation_gives_no_messages(value: Any) -> None:
    header = replace(HEADER, fields={"input": encoded(value)})
    assert fold(header, [], decode, read_input=read_input).messages == ()


def test_a_value_that_cannot_be_decoded_here_is_said_to_be_so(journal: Journal) -> None:
    journal.start(b"t", StepKind.TOOL)
    journal.add(StepEnded(step=b"t", outcome=Outcome.COMPLETED, time=1), b"damaged")
    result = journal.fold().tool_results[b"t".hex()]
    assert isinstance(result, Unreadable)
    assert "not one of langchain-durable's" in result.reason


def test_a_failed_run_has_its_error_until_it_is_reopened(journal: Journal) -> None:
    error = ErrorInfo(module="builtins", qualname="ValueError", message="no")
    journal.finish(RunStatus.FAILED, error=error)
    assert journal.fold(RunStatus.FAILED).error == error
    journal.begin()
    assert journal.fold().error is None


def test_an_end_without_a_start_is_refused(journal: Journal) -> None:
    journal.end(b"x")
    with pytest.raises(JournalCorrupt, match="never started"):
        journal.fold()


def test_metadata_that_is_no_json_object_is_refused() -> None:
    with pytest.raises(JournalCorrupt, match="metadata"):
        fold(replace(HEADER, fields={"metadata": b"[]"}), [], decode)


def test_a_run_without_entries_has_the_state_of_its_header() -> None:
    state = fold(replace(HEADER, status=RunStatus.QUEUED, attempt=0), [], decode)
    assert (state.status, state.attempt, state.steps) == (RunStatus.QUEUED, 0, ())


steps = st.sampled_from([b"a", b"b", b"c"])
kinds = st.sampled_from([StepKind.MODEL, StepKind.TOOL, StepKind.RETRIEVER])
moves = st.lists(
    st.one_of(
        st.tuples(st.just("begin")),
        st.tuples(st.just("start"), steps, kinds),
        st.tuples(st.just("end"), steps, st.sampled_from([*Outcome])),
        st.tuples(st.just("finish"), st.sampled_from([*RunStatus])),
    ),
    max_size=25,
)


def played(moves_made: list[Any]) -> Journal:
    journal = Journal()
    journal.begin()
    started: set[bytes] = set()
    for move, *how in moves_made:
        if move == "begin":
            journal.begin()
        elif move == "start":
            started.add(how[0])
            journal.start(how[0], how[1], attributes={"tool_call_id": "c"})
        elif move == "finish":
            journal.finish(how[0], {"r": len(journal.entries)})
        elif how[0] in started:
            answer = AIMessage(str(len(journal.entries)))
            usage = Usage(input_tokens=1, output_details={"reasoning": 1})
            journal.end(how[0], {"g": [answer], "v": "x"}, outcome=how[1], usage=usage)
    return journal


@given(moves, st.integers(0, 30), st.sampled_from([*RunStatus]))
def test_folding_a_prefix_and_then_the_rest_is_folding_all(
    moves_made: list[Any], cut: int, status: RunStatus
) -> None:
    journal = played(moves_made)
    header = replace(HEADER, status=status, attempt=journal.attempt)
    folded = Fold(HEADER, decode, read_input=read_input)
    for entry in journal.entries[:cut]:
        folded.feed(entry)
    folded.checkpoint()
    for entry in journal.entries[cut:]:
        folded.feed(entry)
    assert folded.checkpoint(header) == fold(header, journal.entries, decode, read_input=read_input)


@given(moves, st.sampled_from([*RunStatus]))
def test_every_state_can_be_shown_as_json(moves_made: list[Any], status: RunStatus) -> None:
    state = played(moves_made).fold(status)
    shown = json.loads(json.dumps(to_json(state), allow_nan=False))
    assert shown["status"] == status.value
    assert len(shown["steps"]) == len(state.steps)


def test_json_has_roles_iso_times_and_seconds(journal: Journal) -> None:
    journal.start(b"m")
    journal.end(b"m", {"g": [AIMessage("yes")]})
    journal.finish(RunStatus.COMPLETED, b"12345")
    shown = to_json(journal.fold(RunStatus.COMPLETED))
    assert shown["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes"},
    ]
    assert shown["result"] == "<5 bytes>"
    assert shown["created"] == "1970-01-01T00:00:01+00:00"
    assert shown["steps"][0]["duration"] == 1.0
