"""What every store of journals must do, for sync and async callers alike."""

from __future__ import annotations

import time
from typing import Any

import pytest

from langchain_durable.errors import InvalidRunId, JournalGap, RunBusy, RunFenced, RunNotFound
from langchain_durable.events import RunStatus
from langchain_durable.journal import Close, Intent, Lease, RecordKind, Store, Verdict
from tests.store.conftest import Caller
from tests.store.making import FOREVER, ended, leased, opening, started

BIG = bytes(range(256)) * 1200


def test_a_new_run_is_opened_with_its_first_record(store: Store, ask: Caller) -> None:
    opened = ask(lambda: store.acquire(opening(fields={"trace": b"\x00t"})))
    assert (opened.verdict, opened.header) == (Verdict.NEW, None)
    assert opened.lease == Lease(run_id="r", attempt=1, seq=1)
    [record] = ask(lambda: store.load("r"))
    assert (record.seq, record.attempt, record.kind) == (1, 1, RecordKind.ATTEMPT_STARTED)


def test_a_header_tells_what_the_first_attempt_gave(store: Store, ask: Caller) -> None:
    ask(
        lambda: store.acquire(
            opening(fingerprint=b"\xff\x00", version="v1", fields={"trace": b"\x00t"})
        )
    )
    header = ask(lambda: store.header("r"))
    assert header is not None
    assert (header.run_id, header.status, header.attempt, header.seq) == (
        *("r", RunStatus.RUNNING),
        *(1, 1),
    )
    assert (header.fingerprint, header.version, header.fields) == (
        *(b"\xff\x00", "v1"),
        {"trace": b"\x00t"},
    )
    assert header.owner == "me"
    assert 0 < header.lease_ms <= FOREVER
    assert header.journal_alive
    assert not header.cancel
    assert header.created == header.updated > 1_600_000_000 * 10**9


def test_a_run_that_does_not_exist_is_missing_everywhere(store: Store, ask: Caller) -> None:
    opened = ask(lambda: store.acquire(opening(intent=Intent.CONTINUE)))
    assert (opened.verdict, opened.lease, opened.header) == (Verdict.MISSING, None, None)
    assert ask(lambda: store.header("r")) is None
    assert ask(lambda: store.cancel("r")) is None
    assert ask(lambda: store.delete("r")) is False
    assert list(ask(lambda: store.load("r"))) == []
    assert list(ask(lambda: store.headers())) == []


@pytest.mark.parametrize("payload", [None, b"", b"small", BIG], ids=["none", "empty", "b", "big"])
def test_a_record_comes_back_as_it_was(store: Store, ask: Caller, payload: bytes | None) -> None:
    lease = leased(store)
    draft = ended(step=b"\x00\r\n$5}", payload=payload, meta=b"\xff\x00")
    ask(lambda: store.append(lease, [draft], seq=2))
    [record] = ask(lambda: store.load("r", after=1))
    assert (record.seq, record.attempt, record.kind) == (2, 1, RecordKind.STEP_ENDED)
    assert (record.step, record.meta, record.payload) == (draft.step, draft.meta, payload)


def test_the_record_of_an_attempt_may_have_a_payload(store: Store, ask: Caller) -> None:
    draft = ended(payload=b"input")
    ask(lambda: store.acquire(opening(draft=draft)))
    assert [record.payload for record in ask(lambda: store.load("r"))] == [b"input"]


def test_records_are_read_in_pages(store: Store, ask: Caller) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [started(b"%d" % i) for i in range(9)], seq=2))
    assert [record.seq for record in ask(lambda: store.load("r", limit=4))] == [1, 2, 3, 4]
    assert [record.seq for record in ask(lambda: store.load("r", after=4, limit=4))] == [5, 6, 7, 8]
    assert [record.seq for record in ask(lambda: store.load("r", after=8))] == [9, 10]


def test_appending_twice_is_appending_once(store: Store, ask: Caller) -> None:
    lease = leased(store)
    for _ in range(2):
        ask(lambda: store.append(lease, [started(), ended()], seq=2))
    ask(lambda: store.append(lease, [ended(), started()], seq=3))
    assert [record.seq for record in ask(lambda: store.load("r"))] == [1, 2, 3, 4]


def test_another_record_in_the_place_of_one_that_is_there_is_refused(
    store: Store, ask: Caller
) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [started(b"a")], seq=2))
    with pytest.raises(RunFenced):
        ask(lambda: store.append(lease, [started(b"b")], seq=2))
    with pytest.raises(RunFenced):
        ask(lambda: store.append(lease, [started(b"a", meta=b"later")], seq=2))
    assert [record.step for record in ask(lambda: store.load("r", after=1))] == [b"a"]


def test_a_gap_is_refused_and_changes_nothing(store: Store, ask: Caller) -> None:
    lease = leased(store)
    with pytest.raises(JournalGap, match="before record 3"):
        ask(lambda: store.append(lease, [started()], seq=3))
    assert len(ask(lambda: store.load("r"))) == 1


def test_an_older_attempt_may_not_write(store: Store, ask: Caller) -> None:
    old = leased(store)
    new = leased(store, owner="other", evict="me")
    assert (new.attempt, new.seq) == (2, 2)
    with pytest.raises(RunFenced):
        ask(lambda: store.append(old, [started()], seq=2))
    with pytest.raises(RunFenced):
        ask(lambda: store.renew(old, FOREVER))
    ask(lambda: store.append(new, [started()], seq=3))
    assert [record.attempt for record in ask(lambda: store.load("r"))] == [1, 2, 2]


def test_a_fenced_attempt_cannot_close_the_run(store: Store, ask: Caller) -> None:
    old = leased(store)
    leased(store, owner="other", evict="me")
    close = Close(status=RunStatus.FAILED)
    with pytest.raises(RunFenced):
        ask(lambda: store.append(old, [ended()], seq=2, close=close))
    with pytest.raises(RunFenced):
        ask(lambda: store.append(old, [], seq=2, close=close))
    header = ask(lambda: store.header("r"))
    assert header is not None
    assert header.status is RunStatus.RUNNING


def test_a_lease_that_lives_is_held(store: Store, ask: Caller) -> None:
    leased(store)
    opened = ask(lambda: store.acquire(opening(owner="other", evict="somebody")))
    assert opened.verdict is Verdict.HELD
    assert 0 < opened.held_ms <= FOREVER
    assert opened.header is not None
    assert opened.header.owner == "me"


def test_a_second_call_of_the_same_owner_is_held_too(store: Store, ask: Caller) -> None:
    leased(store)
    assert ask(lambda: store.acquire(opening())).verdict is Verdict.HELD


def test_a_call_that_is_sent_again_gets_the_same_answer(store: Store, ask: Caller) -> None:
    call = opening()
    first = ask(lambda: store.acquire(call))
    assert ask(lambda: store.acquire(call)) == first
    ask(lambda: store.append(leased_of(first), [], seq=2, close=Close(status=RunStatus.PAUSED)))
    again = opening()
    second = ask(lambda: store.acquire(again))
    third = ask(lambda: store.acquire(again))
    assert (second.verdict, second.lease) == (third.verdict, third.lease)
    assert second.header is not None
    assert third.header is not None
    assert second.header.status is third.header.status is RunStatus.PAUSED
    assert len(ask(lambda: store.load("r"))) == 2


def leased_of(opened: object) -> Lease:
    lease = getattr(opened, "lease", None)
    assert isinstance(lease, Lease)
    return lease


def test_a_lease_that_has_run_out_is_taken_over(store: Store, ask: Caller) -> None:
    leased(store, lease_ms=1)
    wait_until_free(store)
    opened = ask(lambda: store.acquire(opening(owner="other")))
    assert (opened.verdict, leased_of(opened).attempt) == (Verdict.ACQUIRED, 2)


def wait_until_free(store: Store, run_id: str = "r") -> None:
    deadline = time.monotonic() + 10
    while (header := store.header(run_id).result()) is None or header.lease_ms > 0:
        assert time.monotonic() < deadline


def test_an_attempt_may_write_after_its_lease_ran_out(store: Store, ask: Caller) -> None:
    lease = leased(store, lease_ms=1)
    wait_until_free(store)
    ask(lambda: store.append(lease, [started()], seq=2))
    assert len(ask(lambda: store.load("r"))) == 2


def test_a_lease_is_extended(store: Store, ask: Caller) -> None:
    lease = leased(store, lease_ms=1)
    wait_until_free(store)
    assert ask(lambda: store.renew(lease, FOREVER)) is False
    assert ask(lambda: store.acquire(opening(owner="other"))).verdict is Verdict.HELD


def test_another_input_is_a_mismatch(store: Store, ask: Caller) -> None:
    leased(store, fingerprint=b"one")
    opened = ask(lambda: store.acquire(opening(fingerprint=b"two")))
    assert opened.verdict is Verdict.MISMATCH
    assert opened.header is not None
    assert opened.header.fingerprint == b"one"


@pytest.mark.parametrize("given", [{"fingerprint": b""}, {"intent": Intent.CONTINUE}])
def test_no_input_is_not_compared(store: Store, ask: Caller, given: dict[str, Any]) -> None:
    leased(store, fingerprint=b"one")
    call = opening("r", **{"fingerprint": b"two", "evict": "me", **given})
    assert ask(lambda: store.acquire(call)).verdict is Verdict.ACQUIRED


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.PAUSED])
def test_a_close_gives_the_lease_back(store: Store, ask: Caller, status: RunStatus) -> None:
    lease = leased(store, fields={"a": b"1", "b": b"2"})
    close = Close(status=status, reason="why", fields={"b": b"3", "c": b"4"})
    ask(lambda: store.append(lease, [ended()], seq=2, close=close))
    header = ask(lambda: store.header("r"))
    assert header is not None
    assert (header.status, header.reason, header.owner, header.lease_ms) == (status, "why", "", 0)
    assert header.fields == {"a": b"1", "b": b"3", "c": b"4"}


def test_a_close_that_is_sent_again_is_done_already(store: Store, ask: Caller) -> None:
    lease = leased(store)
    close = Close(status=RunStatus.COMPLETED)
    for _ in range(2):
        ask(lambda: store.append(lease, [ended()], seq=2, close=close))
        ask(lambda: store.append(lease, [], seq=2, close=close))
    assert len(ask(lambda: store.load("r"))) == 2


def test_nothing_is_written_after_a_close(store: Store, ask: Caller) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [], seq=2, close=Close(status=RunStatus.PAUSED)))
    with pytest.raises(RunFenced):
        ask(lambda: store.append(lease, [started()], seq=2))
    with pytest.raises(RunFenced):
        ask(lambda: store.renew(lease, FOREVER))


def test_a_completed_run_is_not_opened_again(store: Store, ask: Caller) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [ended()], seq=2, close=Close(status=RunStatus.COMPLETED)))
    opened = ask(lambda: store.acquire(opening()))
    assert (opened.verdict, opened.lease) == (Verdict.COMPLETED, None)
    assert opened.header is not None


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.PAUSED])
def test_a_run_is_reopened(store: Store, ask: Caller, status: RunStatus) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [ended()], seq=2, close=Close(status=status, reason="why")))
    opened = ask(lambda: store.acquire(opening()))
    assert opened.verdict is Verdict.ACQUIRED
    assert opened.lease == Lease(run_id="r", attempt=2, seq=3)
    assert opened.header is not None
    assert (opened.header.status, opened.header.reason) == (status, "why")
    header = ask(lambda: store.header("r"))
    assert header is not None
    assert (header.status, header.reason, header.stalls) == (RunStatus.RUNNING, "", 0)


def test_attempts_without_progress_end_in_a_crash_loop(store: Store, ask: Caller) -> None:
    for _ in range(5):
        leased(store, lease_ms=0)
    opened = ask(lambda: store.acquire(opening()))
    assert opened.verdict is Verdict.CRASH_LOOP
    assert opened.header is not None
    assert (opened.header.status, opened.header.reason) == (RunStatus.FAILED, "crash_loop")
    assert (opened.header.owner, opened.header.stalls) == ("", 5)


def test_a_crash_loop_is_opened_again_by_hand(store: Store, ask: Caller) -> None:
    for _ in range(5):
        leased(store, lease_ms=0)
    assert ask(lambda: store.acquire(opening())).verdict is Verdict.CRASH_LOOP
    assert ask(lambda: store.acquire(opening(lease_ms=0))).verdict is Verdict.ACQUIRED
    assert ask(lambda: store.acquire(opening())).verdict is Verdict.ACQUIRED


def test_a_crash_loop_is_not_opened_by_the_same_call_sent_again(store: Store, ask: Caller) -> None:
    for _ in range(5):
        leased(store, lease_ms=0)
    call = opening()
    first = ask(lambda: store.acquire(call))
    assert ask(lambda: store.acquire(call)) == first
    assert first.verdict is Verdict.CRASH_LOOP


def test_progress_forgives_earlier_stalls(store: Store, ask: Caller) -> None:
    for _ in range(4):
        lease = leased(store, lease_ms=0)
    ask(lambda: store.append(lease, [started()], seq=lease.seq + 1))
    assert leased(store, lease_ms=0)
    header = ask(lambda: store.header("r"))
    assert header is not None
    assert header.stalls == 0


def test_a_running_attempt_is_asked_to_cancel(store: Store, ask: Caller) -> None:
    lease = leased(store)
    header = ask(lambda: store.cancel("r"))
    assert header is not None
    assert (header.status, header.cancel) == (RunStatus.RUNNING, True)
    assert ask(lambda: store.renew(lease, FOREVER)) is True


def test_a_new_attempt_is_not_asked_to_cancel(store: Store, ask: Caller) -> None:
    leased(store)
    ask(lambda: store.cancel("r"))
    lease = leased(store, evict="me")
    assert ask(lambda: store.renew(lease, FOREVER)) is False


def test_a_run_that_nobody_holds_is_cancelled_at_once(store: Store, ask: Caller) -> None:
    lease = leased(store, lease_ms=0)
    header = ask(lambda: store.cancel("r"))
    assert header is not None
    assert header.status is RunStatus.CANCELLED
    with pytest.raises(RunFenced):
        ask(lambda: store.append(lease, [started()], seq=2))


def test_a_run_that_has_ended_is_not_cancelled(store: Store, ask: Caller) -> None:
    lease = leased(store)
    ask(lambda: store.append(lease, [], seq=2, close=Close(status=RunStatus.COMPLETED)))
    header = ask(lambda: store.cancel("r"))
    assert header is not None
    assert header.status is RunStatus.COMPLETED


def test_a_deleted_run_leaves_nothing(store: Store, ask: Caller) -> None:
    lease = leased(store)
    close = Close(status=RunStatus.PAUSED)
    ask(lambda: store.append(lease, [ended(payload=BIG)], seq=2, close=close))
    assert ask(lambda: store.delete("r")) is True
    assert ask(lambda: store.header("r")) is None
    assert list(ask(lambda: store.load("r"))) == []
    assert list(ask(lambda: store.headers())) == []


def test_an_attempt_is_told_that_its_run_was_deleted(store: Store, ask: Caller) -> None:
    lease = leased(store, lease_ms=0)
    assert ask(lambda: store.delete("r")) is True
    close = Close(status=RunStatus.COMPLETED)
    for say in (
        lambda: store.append(lease, [ended()], seq=2),
        lambda: store.append(lease, [], seq=2, close=close),
        lambda: store.renew(lease, FOREVER),
    ):
        with pytest.raises(RunNotFound, match=r"not there any more.*deleted"):
            ask(say)
    assert ask(lambda: store.header("r")) is None


def test_an_attempt_of_a_deleted_run_may_not_write_into_its_successor(
    store: Store, ask: Caller
) -> None:
    old = leased(store, lease_ms=0)
    assert ask(lambda: store.delete("r")) is True
    new = leased(store)
    assert (new.attempt, new.seq) == (old.attempt, old.seq)
    for say in (
        lambda: store.append(old, [started()], seq=2),
        lambda: store.append(old, [], seq=2, close=Close(status=RunStatus.COMPLETED)),
        lambda: store.renew(old, FOREVER),
    ):
        with pytest.raises(RunFenced):
            ask(say)
    ask(lambda: store.append(new, [ended()], seq=2))
    assert ask(lambda: store.renew(new, FOREVER)) is False
    assert [record.kind for record in ask(lambda: store.load("r"))] == ["A", "e"]


def test_an_acquire_that_is_sent_again_gives_a_lease_that_is_good(
    store: Store, ask: Caller
) -> None:
    call = opening()
    ask(lambda: store.acquire(call))
    lease = leased_of(ask(lambda: store.acquire(call)))
    ask(lambda: store.append(lease, [started()], seq=2))
    assert ask(lambda: store.renew(lease, FOREVER)) is False


def test_a_run_that_is_held_is_not_deleted(store: Store, ask: Caller) -> None:
    leased(store)
    with pytest.raises(RunBusy, match="a lease of me"):
        ask(lambda: store.delete("r"))


def test_runs_are_listed_newest_first(store: Store, ask: Caller) -> None:
    for run_id in "abca":
        lease = leased(store, run_id, evict="me")
        renew_into_the_next_millisecond(store, lease)
    close = Close(status=RunStatus.COMPLETED)
    ask(lambda: store.append(lease, [], seq=lease.seq + 1, close=close))
    assert [header.run_id for header in ask(lambda: store.headers())] == ["a", "c", "b"]
    assert [header.run_id for header in ask(lambda: store.headers(limit=2))] == ["a", "c"]
    running = ask(lambda: store.headers(status=RunStatus.RUNNING))
    assert [header.run_id for header in running] == ["c", "b"]
    completed = ask(lambda: store.headers(status=RunStatus.COMPLETED))
    assert [header.run_id for header in completed] == ["a"]


def renew_into_the_next_millisecond(store: Store, lease: Lease) -> None:
    newest = max(header.updated for header in store.headers().result())
    header = store.header(lease.run_id).result()
    while header is None or header.updated == newest:
        store.renew(lease, FOREVER).result()
        header = store.header(lease.run_id).result()


def test_runs_do_not_touch_each_other(store: Store, ask: Caller) -> None:
    one, two = leased(store, "one"), leased(store, "two}x{")
    ask(lambda: store.append(one, [started()], seq=2))
    ask(lambda: store.append(two, [ended(), ended()], seq=2))
    assert len(ask(lambda: store.load("one"))) == 2
    assert len(ask(lambda: store.load("two}x{"))) == 3


def test_a_ticket_may_be_asked_more_than_once(store: Store, ask: Caller) -> None:
    lease = leased(store)
    ticket = store.append(lease, [started()], seq=3)
    for _ in range(2):
        with pytest.raises(JournalGap):
            ask(lambda: ticket)
    loaded = store.load("r")
    assert ask(lambda: loaded) == ask(lambda: loaded)


def test_a_store_says_what_it_stands_on(store: Store, ask: Caller) -> None:
    facts = ask(lambda: store.describe())
    names = {"server", "version", "eviction", "appendonly", "appendfsync", "role", "cluster", "url"}
    assert names <= facts.keys()
    assert facts["eviction"] == "noeviction"


def test_a_run_id_that_cannot_be_a_hash_tag_is_refused(on_valkey: Store) -> None:
    with pytest.raises(InvalidRunId, match="begin with"):
        on_valkey.header("}r")
