"""Random sequences of calls: the scripts must do what the memory store does."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from langchain_durable.errors import DurableError
from langchain_durable.events import RunStatus
from langchain_durable.journal import Close, Header, Intent, Lease, Opened, Opening, Store
from langchain_durable.store import MemoryStore, open_store
from langchain_durable.waiting import Ticket
from tests.servers import Server
from tests.store.conftest import check_keys
from tests.store.making import FOREVER, ended, opening, started


def of_length(length: int | None) -> bytes | None:
    return None if length is None else b"B" * length


RUNS = ("one", "two")
OWNERS = st.sampled_from(["ann", "bob"])
DRAFTS = st.lists(
    st.builds(ended, payload=st.sampled_from([None, 0, 1, 300_000]).map(of_length))
    | st.builds(started, step=st.binary(max_size=3)),
    max_size=3,
)
CLOSES = st.none() | st.builds(
    Close,
    status=st.sampled_from(
        [RunStatus.PAUSED, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]
    ),
    reason=st.sampled_from(["", "why"]),
    fields=st.sampled_from([{}, {"f": b"\x00"}]),
)


def untimed(value: Any) -> Any:
    """The answer without what depends on the clock, but for whether there is time left."""
    if isinstance(value, Header):
        return replace(value, created=0, updated=0, lease_ms=int(value.lease_ms > 0))
    if isinstance(value, Opened):
        return replace(value, header=untimed(value.header), held_ms=int(value.held_ms > 0))
    return value


def outcome(ask: Callable[[], Ticket[Any]]) -> Any:
    try:
        return untimed(ask().result())
    except DurableError as exc:
        return type(exc), exc.what


class Comparison(RuleBasedStateMachine):
    """Does everything twice, on a server and in memory. ``server`` is set by the test."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.prefix = f"m{uuid.uuid4().hex[:8]}"
        self.real: Store = open_store(self.server.url, prefix=self.prefix)
        self.model = MemoryStore()
        self.leases: list[dict[Store, Lease]] = []
        self.calls: list[Opening] = []

    def both(self, do: Callable[[Store], Ticket[Any]]) -> dict[Store, Any]:
        real, model = outcome(lambda: do(self.real)), outcome(lambda: do(self.model))
        assert real == model
        return {self.real: real, self.model: model}

    @rule(
        run_id=st.sampled_from(RUNS),
        owner=OWNERS,
        evict=st.just("") | OWNERS,
        lease_ms=st.sampled_from([0, FOREVER]),
        intent=st.sampled_from(Intent),
        fingerprint=st.sampled_from([b"", b"x", b"y"]),
        max_stalls=st.sampled_from([2, 5]),
    )
    def acquire(self, run_id: str, **given: Any) -> None:
        self._acquire(opening(run_id, fields={"f": b"1"}, version="v", **given))

    @rule(back=st.integers(0, 3))
    def acquire_again(self, back: int) -> None:
        if back < len(self.calls):
            self._acquire(self.calls[-1 - back])

    def _acquire(self, call: Opening) -> None:
        self.calls.append(call)
        opened = self.both(lambda store: store.acquire(call))
        leases = {
            store: found.lease
            for store, found in opened.items()
            if isinstance(found, Opened) and found.lease is not None
        }
        if leases:
            self.leases.append(leases)

    @rule(back=st.integers(0, 3), offset=st.integers(-2, 2), drafts=DRAFTS, close=CLOSES)
    def append(self, back: int, offset: int, drafts: Any, close: Close | None) -> None:
        if back >= len(self.leases) or (not drafts and close is None):
            return
        leases = self.leases[-1 - back]
        lease = leases[self.model]
        header = self.model.header(lease.run_id).result()
        seq = max(1, (header.seq if header else lease.seq) + 1 + offset)
        self.both(lambda store: store.append(leases[store], drafts, seq=seq, close=close))

    @rule(back=st.integers(0, 3), lease_ms=st.sampled_from([0, FOREVER]))
    def renew(self, back: int, lease_ms: int) -> None:
        if back < len(self.leases):
            leases = self.leases[-1 - back]
            self.both(lambda store: store.renew(leases[store], lease_ms))

    @rule(run_id=st.sampled_from(RUNS))
    def cancel(self, run_id: str) -> None:
        self.both(lambda store: store.cancel(run_id))

    @rule(run_id=st.sampled_from(RUNS))
    def delete(self, run_id: str) -> None:
        self.both(lambda store: store.delete(run_id))

    @rule(run_id=st.sampled_from(RUNS), after=st.integers(0, 5), limit=st.integers(1, 5))
    def load(self, run_id: str, after: int, limit: int) -> None:
        self.both(lambda store: store.load(run_id, after=after, limit=limit))

    @rule(status=st.none() | st.sampled_from(RunStatus))
    def list_runs(self, status: RunStatus | None) -> None:
        real, model = (
            {header.run_id for header in store.headers(status=status).result()}
            for store in (self.real, self.model)
        )
        assert real == model

    @invariant()
    def runs_are_the_same(self) -> None:
        for run_id in RUNS:
            self.both(lambda store, run_id=run_id: store.header(run_id))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            self.both(lambda store, run_id=run_id: store.load(run_id))  # type: ignore[misc]  # as above

    def teardown(self) -> None:
        self.real.close()
        check_keys(self.server, self.prefix)


@pytest.mark.parametrize("kind", ["valkey", "redis_server"])
def test_the_scripts_do_what_memory_does(kind: str, request: pytest.FixtureRequest) -> None:
    class OnServer(Comparison):
        server = request.getfixturevalue(kind)

    run_state_machine_as_test(
        OnServer,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
