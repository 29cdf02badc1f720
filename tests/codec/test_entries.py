import contextlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_durable.codec import decode_entry, encode_event
from langchain_durable.codec.packed import LONG
from langchain_durable.errors import JournalCorrupt, JournalTooNew
from langchain_durable.events import (
    AttemptEnded,
    AttemptStarted,
    ErrorInfo,
    Event,
    Node,
    Outcome,
    RunStatus,
    StepEnded,
    StepKind,
    StepStarted,
    Usage,
)
from langchain_durable.journal import Draft, Record, RecordKind

NOW = 1_790_000_000_000_000_000

ids = st.binary(min_size=8, max_size=16)
texts = st.text(max_size=20)
span_ids = st.one_of(st.just(""), st.binary(min_size=8, max_size=8).map(bytes.hex), texts)
times = st.integers(0, 2**63)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2**40), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=4,
)
# Names are words of ours; on the wire some have one letter, which is no name.
attributes = st.dictionaries(texts.filter(lambda name: name not in LONG), plain, max_size=2)
errors = st.one_of(st.none(), st.builds(ErrorInfo, module=texts, qualname=texts, message=texts))
counts = st.dictionaries(texts, st.integers(0, 2**40), max_size=2)
usages = st.one_of(
    st.none(),
    st.builds(
        Usage,
        input_tokens=times,
        output_tokens=times,
        total_tokens=times,
        input_details=counts,
        output_details=counts,
    ),
)
nodes = st.lists(
    st.builds(Node, id=ids, parent=ids, label=texts, ordinal=st.integers(0, 999), fingerprint=ids),
    max_size=3,
).map(tuple)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        AttemptStarted,
        time=times,
        owner=texts,
        span_id=span_ids,
        trace_id=span_ids,
        linked_trace_id=span_ids,
        linked_span_id=span_ids,
    ),
    st.builds(
        StepStarted,
        step=ids,
        kind=st.sampled_from(StepKind),
        name=texts,
        time=times,
        span_id=span_ids,
        parent_span_id=span_ids,
        nodes=nodes,
        attributes=attributes,
    ),
    st.builds(
        StepEnded,
        step=ids,
        outcome=st.sampled_from(Outcome),
        time=times,
        error=errors,
        usage=usages,
        recorded=st.booleans(),
        attributes=attributes,
    ),
    st.builds(
        AttemptEnded,
        status=st.sampled_from(RunStatus),
        time=times,
        reason=texts,
        error=errors,
        fatal=st.lists(ids, max_size=2).map(tuple),
    ),
)


def record_of(draft: Draft) -> Record:
    return Record(
        seq=7,
        attempt=2,
        kind=draft.kind,
        step=draft.step,
        meta=draft.meta,
        payload=draft.payload,
    )


@given(events, st.one_of(st.none(), st.binary(max_size=8)))
def test_every_event_comes_back_equal_in_its_place(event: Event, payload: bytes | None) -> None:
    entry = decode_entry(record_of(encode_event(event, payload=payload)))
    assert entry.event == event
    assert (entry.seq, entry.attempt, entry.payload) == (7, 2, payload)


@given(event=events, flip=st.integers(0), mask=st.integers(1, 255))
def test_a_damaged_record_is_an_event_or_refused_never_another_error(
    event: Event, flip: int, mask: int
) -> None:
    record = record_of(encode_event(event))
    meta = bytearray(record.meta)
    meta[flip % len(meta)] ^= mask
    with contextlib.suppress(JournalCorrupt, JournalTooNew):
        decode_entry(record._replace(meta=bytes(meta)))


@given(kind=st.sampled_from(RecordKind), meta=st.binary(max_size=30))
def test_random_bytes_are_an_event_or_refused_never_another_error(
    kind: RecordKind, meta: bytes
) -> None:
    with contextlib.suppress(JournalCorrupt, JournalTooNew):
        decode_entry(Record(seq=1, attempt=1, kind=kind, step=b"s", meta=meta))


def test_a_step_that_starts_with_two_new_nodes_takes_at_most_150_bytes() -> None:
    first, second = b"1" * 8, b"2" * 8
    event = StepStarted(
        step=second,
        kind=StepKind.MODEL,
        name="ChatOpenAI",
        time=NOW,
        span_id="ab" * 8,
        parent_span_id="cd" * 8,
        nodes=(
            Node(id=first, parent=first, label="x" * 20, ordinal=0, fingerprint=b"f" * 8),
            Node(id=second, parent=first, label="y" * 20, ordinal=3, fingerprint=b"g" * 8),
        ),
    )
    assert len(encode_event(event).meta) <= 150


def test_a_step_that_ends_takes_at_most_30_bytes_and_60_with_usage() -> None:
    event = StepEnded(step=b"s" * 8, outcome=Outcome.COMPLETED, time=NOW)
    assert len(encode_event(event).meta) <= 30
    usage = Usage(
        input_tokens=120_000,
        output_tokens=30_000,
        total_tokens=150_000,
        input_details={"cache_read": 100_000},
        output_details={"reasoning": 9_000},
    )
    assert len(encode_event(replace(event, usage=usage)).meta) <= 60


def test_a_record_with_more_fields_than_known_was_written_by_a_newer_release() -> None:
    meta = ormsgpack.packb([0, 1, None, None, None, "new"])
    with pytest.raises(JournalTooNew):
        decode_entry(Record(seq=1, attempt=1, kind=RecordKind.STEP_ENDED, step=b"s", meta=meta))


def test_a_message_that_is_not_utf8_does_not_cost_the_record() -> None:
    error = ErrorInfo(module="builtins", qualname="OSError", message="no file \udcff")
    event = StepEnded(step=b"s", outcome=Outcome.FAILED, time=NOW, error=error)
    decoded = decode_entry(record_of(encode_event(event))).event
    assert isinstance(decoded, StepEnded)
    assert decoded.error == replace(error, message="no file \\udcff")


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (2**70, str(2**70)),
        ([10**5000], ["<int>"]),
        ({1: (2, "\ud800")}, {"1": [2, "\\ud800"]}),
        (Unspeakable(), "<Unspeakable>"),
        ([object], ["<class 'object'>"]),
    ],
)
def test_attributes_that_are_not_plain_are_written_as_text(given: Any, written: Any) -> None:
    event = StepEnded(step=b"s", outcome=Outcome.COMPLETED, time=NOW, attributes={"is": given})
    decoded = decode_entry(record_of(encode_event(event))).event
    assert decoded == replace(event, attributes={"is": written})


def test_attributes_that_contain_themselves_do_not_cost_the_record() -> None:
    event = StepEnded(step=b"s", outcome=Outcome.COMPLETED, time=NOW, attributes={"is": ENDLESS})
    assert decode_entry(record_of(encode_event(event)))
