"""Two processes on one run: the living keep it, the dead give it up at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from langchain_durable import Durable, RunBusy, RunStatus
from langchain_durable.events import AttemptStarted
from langchain_durable.journal import Draft, Intent, Opening, RecordKind
from tests.fakes import Failing
from tests.servers import Server
from tests.strict import STRICT


@pytest.fixture
def holder(durable: Durable, journal_server: Server) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.face.holder"),
            *(journal_server.url, durable.connector.prefix),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    with process:
        yield process
        process.kill()


def test_a_run_of_a_living_process_is_busy(durable: Durable, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunBusy, match="renews its lease"), durable.run("run"):
        pass


def test_a_killed_process_is_taken_over_at_once(
    make_durable: object, durable: Durable, holder: subprocess.Popen[str]
) -> None:
    holder.kill()  # not waited for: it is a zombie, which is dead enough
    begun = time.monotonic()
    with durable.run("run") as run:
        assert durable.step(str, "first") == "first"

    assert run.replayed == 1
    assert time.monotonic() - begun < 0.9, "no lease was waited for"


def test_a_run_whose_process_was_killed_is_listed_as_crashed(
    durable: Durable, holder: subprocess.Popen[str]
) -> None:
    assert durable.runs(status="crashed") == []
    assert not durable.header("run").crashed

    holder.kill()
    holder.wait()
    with durable.run("at work"):
        durable.step(str, "first")
        assert [run.run_id for run in durable.runs(status="crashed", limit=1)] == ["run"]
        assert {run.run_id: run.crashed for run in durable.runs()} == {
            "run": True,
            "at work": False,
        }
        assert durable.header("run").crashed


def test_a_run_whose_process_is_elsewhere_has_crashed_once_its_lease_is_over(
    durable: Durable,
) -> None:
    store = durable.connector.connect().store
    draft = Draft(RecordKind.ATTEMPT_STARTED, b"started")
    elsewhere = Opening(
        run_id="run", owner="elsewhere", lease_ms=60_000, intent=Intent.CALL, draft=draft
    )
    lease = store.acquire(elsewhere).result().lease
    assert lease is not None
    assert durable.runs(status="crashed") == []

    store.renew(lease, 0).result()
    (run,) = durable.runs(status="crashed")
    assert (run.run_id, run.status) == ("run", RunStatus.RUNNING)


def test_the_journal_says_which_process_each_attempt_was(durable: Durable) -> None:
    owners = []
    for _ in range(2):
        with suppress(Failing), durable.run("run"):
            owners.append(durable.header("run").owner)
            raise Failing
    events = [entry.event for entry in durable.events("run")]

    assert [each.owner for each in events if isinstance(each, AttemptStarted)] == owners
    assert f"/{os.getpid()}/" in owners[0]


def test_a_graph_that_is_imported_late_goes_on_where_it_was(
    durable: Durable, journal_server: Server
) -> None:
    late = subprocess.run(
        [
            *(sys.executable, *STRICT, "-m", "tests.face.late_graph"),
            *(journal_server.url, durable.connector.prefix),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (late.stdout, late.stderr) == ("go thought done\n", "")
