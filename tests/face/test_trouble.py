"""Bad servers, bad records and bad ids: each a clear error of our own, and nothing is lost."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt

from langchain_durable import Durable, JournalUnavailable, RunExpired, RunNotFound, RunStatus
from langchain_durable.codec import encode_event
from langchain_durable.errors import (
    JournalCorrupt,
    JournalError,
    JournalGap,
    JournalReadOnly,
    JournalTooNew,
    RunBusy,
    RunCrashLoop,
    ServerError,
    StreamCut,
)
from langchain_durable.events import (
    ASKS,
    BREAKPOINTS,
    AttemptEnded,
    AttemptStarted,
    Event,
    Node,
    Outcome,
    StepEnded,
    StepKind,
    StepStarted,
)
from langchain_durable.recorder.answers import bind
from langchain_durable.recorder.request import INPUT
from langchain_durable.store import Keys
from langchain_durable.store.appends import head_of
from tests.fakes import Failing, Model
from tests.servers import LOSES_NOTHING, Server, free_port, start_valkey


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with start_valkey(tmp_path / "own", *LOSES_NOTHING) as server:
        yield server


def begun(durable: Durable, model: Model) -> Any:
    """A run that failed after its first step."""
    broken = [True]

    def program(text: str) -> Any:
        first = model.invoke(text).content
        if broken:
            raise Failing(broken.pop())
        return model.invoke(first).content

    wrapped = durable.wrap(RunnableLambda(program))
    with pytest.raises(Failing):
        wrapped.invoke("a", durable.config("run"))
    return wrapped


@pytest.mark.parametrize("method", ["get", "events", "resume", "cancel", "delete"])
def test_an_unknown_run_is_not_found(durable: Durable, method: str) -> None:
    with pytest.raises(RunNotFound, match=r"'nobody'.*durable\.runs\(\)"):
        getattr(durable, method)("nobody")


def test_a_server_that_is_not_there_is_said_so() -> None:
    with Durable(f"redis://user:secret@127.0.0.1:{free_port()}/0", retry_for=0.2) as durable:
        wrapped = durable.wrap(RunnableLambda(str))
        with pytest.raises(JournalUnavailable, match=r"127\.0\.0\.1") as caught:
            wrapped.invoke("a", durable.config("run"))
    assert "secret" not in str(caught.value)


def test_a_server_that_goes_away_stops_the_run_and_keeps_what_was_acknowledged(
    own_server: Server,
) -> None:
    durable = Durable(own_server.url, retry_for=0.3, lease=1)
    model = Model()
    gone = [True]

    def program(text: str) -> Any:
        first = model.invoke(text).content
        if gone:
            own_server.kill()
            gone.clear()
        try:
            return model.invoke(first).content
        except JournalUnavailable:
            return "a program that swallows errors"

    wrapped = durable.wrap(RunnableLambda(program))
    with pytest.raises(JournalUnavailable):
        wrapped.invoke("a", durable.config("run"))
    assert model.calls == 2

    own_server.restart()
    assert wrapped.invoke("a", durable.config("run")) == "<<a>>"
    assert model.calls == 3, "the step whose record was lost, and no other"
    durable.close()


def test_a_short_outage_is_not_noticed(own_server: Server) -> None:
    durable = Durable(own_server.url, retry_for=20, lease=5)
    model = Model()

    def program(text: str) -> Any:
        first = model.invoke(text).content
        own_server.kill()
        starter.start()
        return model.invoke(first).content

    starter = threading.Thread(target=own_server.restart)
    assert durable.wrap(RunnableLambda(program)).invoke("a", durable.config("run")) == "<<a>>"
    starter.join()
    assert durable.get("run").step == 2
    durable.close()


def test_a_replica_refuses_to_be_a_journal(own_server: Server) -> None:
    own_server.client().execute_command("REPLICAOF", "127.0.0.1", str(free_port()))  # type: ignore[no-untyped-call]  # untyped in redis-py
    with Durable(own_server.url, retry_for=0.2) as durable:
        wrapped = durable.wrap(RunnableLambda(str))
        with pytest.raises((JournalReadOnly, JournalUnavailable), match="Do:"):
            wrapped.invoke("a", durable.config("run"))


def keys(durable: Durable) -> Any:
    return Keys(durable.connector.prefix)


def test_a_journal_that_has_expired_says_so(durable: Durable, journal_server: Server) -> None:
    wrapped = begun(durable, Model())
    journal_server.client().delete(keys(durable).journal("run"))

    with pytest.raises(RunExpired, match="time to live"):
        wrapped.invoke("a", durable.config("run"))
    with pytest.raises(RunExpired, match="time to live"):
        durable.get("run")


def test_a_journal_that_was_lost_has_not_expired(durable: Durable, journal_server: Server) -> None:
    graph = paused(durable)
    journal_server.client().delete(keys(durable).journal("run"))

    for ask in (
        lambda: graph.invoke(None, durable.config("run")),
        lambda: durable.get("run"),
        lambda: durable.resolve("run", "00" * 8),
    ):
        with pytest.raises(JournalGap, match=r"has not ended.*noeviction.*new run_id"):
            ask()


def test_a_run_of_a_newer_release_is_refused(durable: Durable, journal_server: Server) -> None:
    wrapped = begun(durable, Model())
    journal_server.client().hset(keys(durable).meta("run"), "format", 99)

    with pytest.raises(JournalTooNew, match="format 99"):
        wrapped.invoke("a", durable.config("run"))


def damage(server: Server, key: str, payload: bytes) -> None:
    """Replace each payload in a journal."""
    entries: Any = server.client().xrange(key)
    server.client().delete(key)
    for entry_id, fields in entries:
        if b"p" in fields:
            fields[b"p"] = payload
        server.client().xadd(key, fields, id=entry_id)


@pytest.mark.parametrize(
    "payload",
    [b"", b"garbage", b"\x80\x04\x95cposix\nsystem\n(S'false'\ntR."],
    ids=["empty", "garbage", "pickle"],
)
def test_a_damaged_record_is_refused(
    durable: Durable, journal_server: Server, payload: bytes
) -> None:
    wrapped = begun(durable, Model())
    damage(journal_server, keys(durable).journal("run"), payload)

    with pytest.raises(JournalCorrupt, match=r"Expected: .* Came: .* Do: restore .* delete"):
        wrapped.invoke("a", durable.config("run"))


@pytest.mark.parametrize("call", [b"", "invoke", {}, {"method": "invoke", "configurable": 5}])
def test_a_damaged_record_of_the_call_is_refused(
    durable: Durable, journal_server: Server, call: Any
) -> None:
    begun(durable, Model())
    data = (
        call if call == b"" else durable.connector.codec.encode(call, bind=bind("run", b"", INPUT))
    )
    journal_server.client().hset(keys(durable).meta("run"), ".call", data)

    with pytest.raises(JournalCorrupt, match=r"Expected: .* Came: .* Do: "):
        durable.resume("run")


def add(server: Server, durable: Durable, *events: Event) -> None:
    """Write into a run's journal, as whoever has access to the server can."""
    client: Any = server.client()
    seq, attempt = durable.header("run").seq, 1
    for event in events:
        draft, seq = encode_event(event), seq + 1
        attempt += isinstance(event, AttemptStarted)
        fields = {"h": head_of(draft, b"-"), "a": attempt, "m": draft.meta}
        client.xadd(keys(durable).journal("run"), fields, id=f"{seq}-0")
    client.hset(keys(durable).meta("run"), "seq", seq)


def step_under(*nodes: Node) -> tuple[Event, Event]:
    step = nodes[-1].id
    start = StepStarted(
        step=step, kind=StepKind.TOOL, name="t", time=1, span_id="", parent_span_id="", nodes=nodes
    )
    return start, StepEnded(step=step, outcome=Outcome.COMPLETED, time=2)


A, B, C = b"node A--", b"node B--", b"node C--"


@pytest.mark.parametrize(
    "events",
    [
        step_under(Node(A, A, "tool:t", 0, b"")),
        step_under(Node(A, B, "a", 0, b""), Node(B, A, "b", 0, b""), Node(C, A, "tool:t", 0, b"")),
        step_under(Node(A, B, "tool:t", 0, b"")),
        (AttemptEnded(status=RunStatus.PAUSED, time=1, reason=ASKS, attributes={BREAKPOINTS: 5}),),
        (AttemptEnded(status=RunStatus.FAILED, time=1, fatal=(A,)),),
    ],
    ids=["its own parent", "a circle", "an unknown parent", "breakpoints", "an unknown step"],
)
def test_records_that_do_not_fit_together_are_refused(
    durable: Durable, journal_server: Server, events: Sequence[Event]
) -> None:
    wrapped = begun(durable, Model())
    again = AttemptStarted(time=3, owner="o", span_id="")
    add(journal_server, durable, *events, again)

    with pytest.raises(JournalCorrupt, match=r"does not fit together.*delete it"):
        wrapped.invoke("a", durable.config("run"))
    assert durable.costs().total.calls >= 1
    durable.get("run")
    durable.delete("run")


@pytest.mark.parametrize("place", [1, 2, -1], ids=["the first", "a middle one", "the last"])
def test_a_journal_that_lacks_a_record_is_refused(
    durable: Durable, journal_server: Server, place: int
) -> None:
    model = Model()
    wrapped = begun(durable, model)
    client: Any = journal_server.client()
    journal = keys(durable).journal("run")
    found = client.xrange(journal)
    client.xdel(journal, found[place if place < 0 else place - 1][0])

    with pytest.raises(JournalCorrupt, match="lacks records"):
        wrapped.invoke("a", durable.config("run"))
    assert model.calls == 1
    durable.delete("run")


def test_foreign_data_under_our_key_is_refused(durable: Durable, journal_server: Server) -> None:
    journal_server.client().set(keys(durable).meta("run"), "somebody else's")

    with pytest.raises(JournalCorrupt, match="Do:"):
        durable.wrap(RunnableLambda(str)).invoke("a", durable.config("run"))


def test_attempts_that_get_nowhere_end_in_a_crash_loop(make_durable: Any) -> None:
    for _ in range(5):
        dying = make_durable(lease=0.5)
        run = dying.run("run")
        run.__enter__()
        run._deactivate()  # the process dies here: nothing ends the attempt
        dying.connector.connect().keeper.stop()

    last = make_durable(lease=0.5)
    with pytest.raises(RunCrashLoop, match="crash_loop"), last.run("run"):
        pass
    assert last.get("run").status is RunStatus.FAILED
    with last.run("run") as run:
        assert run.attempt == 6


def test_deleting_a_run_removes_all_of_it(durable: Durable, journal_server: Server) -> None:
    begun(durable, Model())
    durable.delete("run")

    assert list(journal_server.client().scan_iter(f"{durable.connector.prefix}:*run*")) == []
    with pytest.raises(RunNotFound):
        durable.get("run")


def paused(durable: Durable) -> Any:
    """A graph that waits for an answer in the run."""

    def ask(state: MessagesState) -> MessagesState:
        return {"messages": [interrupt("well?")]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    wrapped = durable.wrap(graph.compile())
    wrapped.invoke({"messages": []}, durable.config("run"))
    return wrapped


def test_a_run_that_could_not_be_deleted_can_be_deleted_again(own_server: Server) -> None:
    with Durable(own_server.url) as durable, own_server.client() as client:
        paused(durable)
        client.acl_setuser("default", commands=["-unlink"])
        with pytest.raises(JournalError):
            durable.delete("run")
        assert durable.get("run").status is RunStatus.PAUSED

        client.acl_setuser("default", commands=["+unlink"])
        durable.delete("run")

        assert list(client.scan_iter("lcd:{*run*")) == []


def test_a_run_that_is_held_keeps_its_graphs_state(durable: Durable) -> None:
    graph = paused(durable)
    with durable.run("run"), pytest.raises(RunBusy):
        durable.delete("run")

    assert graph.get_state(durable.config("run")).next == ("ask",)


def test_a_run_whose_header_is_damaged_can_be_deleted(
    durable: Durable, journal_server: Server
) -> None:
    begun(durable, Model())
    with journal_server.client() as client:
        client.hdel(keys(durable).meta("run"), "status")
    with pytest.raises(JournalCorrupt, match="delete the run"):
        durable.get("run")

    durable.delete("run")

    with pytest.raises(RunNotFound):
        durable.get("run")


class Cut(Model):
    """Streams half an answer and stops, as ``ChatOpenAI`` does when a proxy hangs up."""

    cut: bool = True

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        if not self.cut:
            yield from super()._stream(*args, **kwargs)
            return
        self.cut = False
        self._prompts.append([])
        yield ChatGenerationChunk(message=AIMessageChunk(content="half"))


Cut.__module__ = "langchain_openai.chat_models.base"  # known to say why a stream ends


def test_a_stream_that_was_cut_is_no_answer(durable: Durable) -> None:
    model = Cut()
    wrapped = durable.wrap(model | RunnableLambda(lambda m: m.content))
    with pytest.raises(StreamCut, match="finish reason"):
        list(wrapped.stream("a", durable.config("run")))

    assert list(wrapped.stream("a", durable.config("run"))) == ["<a>"]
    assert model.calls == 2


def test_a_cut_stream_can_be_accepted(make_durable: Any) -> None:
    durable = make_durable(require_finish_reason=False)
    wrapped = durable.wrap(Cut() | RunnableLambda(lambda m: m.content))

    assert list(wrapped.stream("a", durable.config("run"))) == ["half"]


async def test_a_thread_that_cannot_send_does_not_hold_up_its_runs_event_loop(
    own_server: Server,
) -> None:
    async with Durable(own_server.url, durability="async") as durable, durable.run("run") as run:
        big = os.urandom(8_000_000)  # which does not compress
        threads: list[int] = []

        def give() -> bytes:
            threads.append(threading.get_ident())
            return big

        def until_it_is_sent() -> None:
            deadline, names = time.monotonic() + 30, [""]
            while "send_packed_command" not in names:  # a server that is paused lets none return
                assert time.monotonic() < deadline
                time.sleep(0.01)
                stacks = [sys._current_frames()[thread] for thread in threads]
                frames = itertools.chain.from_iterable(map(traceback.walk_stack, stacks))
                names = [frame.f_code.co_name for frame, _ in frames]

        await durable.astep(len, "a")
        own_server.pause()
        try:
            sending = asyncio.create_task(asyncio.to_thread(run.bind(durable.step), give))
            await asyncio.to_thread(until_it_is_sent)
            began = time.monotonic()
            await durable.astep(len, "b")
            took = time.monotonic() - began
        finally:
            own_server.resume()
        await sending
    assert took < 2, "it waited for the thread"


def test_a_cache_is_no_journal(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    own_server.client().config_set("maxmemory-policy", "allkeys-lru")
    monkeypatch.delenv("LANGCHAIN_DURABLE_URL", raising=False)
    monkeypatch.setenv("REDIS_URL", own_server.url)
    with Durable() as durable, pytest.raises(ServerError, match="LANGCHAIN_DURABLE_URL"):
        durable.runs()
