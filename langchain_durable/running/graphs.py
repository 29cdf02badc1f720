"""Calls of LangGraph graphs: the journal answers for crashes, a checkpointer for pauses.

A graph that was compiled without a checkpointer gets ours for the time of the call, so that
it can be interrupted and asked for its state. A graph that has one keeps it, and the call
gets a re-entry id, so that the same call of the same run goes on at its last checkpoint
instead of starting a new turn.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import get_config_list

from langchain_durable.connecting.connector import Connector
from langchain_durable.errors import DurableWarning, JournalError
from langchain_durable.intercept.graphs.reentry import REENTRY, first_call
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.request import Request
from langchain_durable.running.running import Running
from langchain_durable.running.wrap import RUN_ID, with_configurable
from langchain_durable.touchpoints.langgraph import CHECKPOINTER, DURABILITY, own_checkpointer
from langchain_durable.waiting import Blocking, Procedure

Life = Callable[[], int | None]

BATCHES = ("batch", "abatch", "batch_as_completed", "abatch_as_completed")
"""Methods whose call is one run and many calls of the graph."""


class GraphCalls:
    """Prepares the configs of graph calls, and keeps what a paused graph needs."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._lock = threading.Lock()
        self._saver: Any = None
        self._in_memory: dict[tuple[str, int | None], Any] = {}
        connector.close_with(self._close)

    @property
    def in_memory(self) -> bool:
        """Is the journal in memory?"""
        server = self._connector.server
        return isinstance(server, str) and server.startswith("memory://")

    def running(
        self,
        graph: Any,
        run_id: str,
        request: Request,
        config: RunnableConfig | None,
    ) -> Running:
        """The run that a graph's call is."""
        items = len(request.inputs) if request.call.get("method") in BATCHES else None
        call: _OwnCheckpointer | _Injected = (
            _OwnCheckpointer(run_id, config, items)
            if own_checkpointer(graph) is not None
            else _Injected(self, run_id, config, items)
        )
        return Running(
            connection=self._connector,
            run_id=run_id,
            request=request,
            prepare=call.prepare,
            settle=call.settle if isinstance(call, _Injected) else None,
        )

    def state_config(self, graph: Any, config: RunnableConfig | None) -> RunnableConfig | None:
        """The config by which a wrapped graph's state can be read and updated."""
        given = (config or {}).get("configurable") or {}
        run_id = given.get(RUN_ID)
        if run_id is None or CHECKPOINTER in given:
            return config
        # A state that a person has changed is still the one of the run's call.
        named = _reentering(config, first_call(run_id), {})
        if own_checkpointer(graph) is not None:
            return named
        life = functools.partial(self._life, run_id)
        return with_thread(named, run_id, self.view(run_id, fresh=False, through=life))

    def forget(self, run_id: str) -> None:
        """Remove the checkpoints of a run that is deleted."""
        if self.in_memory:
            with self._lock:
                for key in [key for key in self._in_memory if key[0] == run_id]:
                    del self._in_memory[key]
        else:
            self.view(run_id, fresh=False).discard()

    def view(
        self, run_id: str, *, fresh: bool, item: int | None = None, through: Life | None = None
    ) -> Any:
        """The saver of one run, or of one item of a batch; with a journal in memory, so is it."""
        # Imported here, because programs without graphs need none of it.
        from langchain_durable.saver import MemoryRunSaver, RedisSaver, for_run
        from langchain_durable.saver.serializer import StrictSerializer

        with self._lock:
            if self.in_memory:
                return self._in_memory.setdefault((run_id, item), MemoryRunSaver())
            if self._saver is None:
                saver = RedisSaver(
                    self._connector.server,
                    prefix=self._connector.prefix,
                    serde=StrictSerializer(self._connector.state_codec),
                )
                allowed = [(cls.__module__, cls.__qualname__) for cls in self._connector.allow]
                self._saver = saver.with_allowlist(allowed) if allowed else saver
        return for_run(self._saver, run_id, fresh=fresh, item=item, through=through)

    def _life(self, run_id: str) -> int | None:
        """How long what is changed of a run's state now must live, in seconds; None: for good."""
        found = self._connector.connect().store.header(run_id).result()
        over = found is not None and found.status.ended
        return self._connector.retention.journal or None if over else None

    def _close(self) -> None:
        """Close the saver; a call that comes later makes another."""
        with self._lock:
            saver, self._saver = self._saver, None
        if saver is not None:
            saver.close()


def with_thread(config: RunnableConfig | None, run_id: str, saver: Any) -> RunnableConfig:
    """The config with a saver; LangGraph's state methods insist on a thread_id beside it."""
    own = (config or {}).get("configurable") or {}
    thread = {} if "thread_id" in own else {"thread_id": run_id}
    return with_configurable(config, {**thread, CHECKPOINTER: saver})


class _OwnCheckpointer:
    """A graph that has a checkpointer: the same call of the same run goes on where it was."""

    def __init__(self, run_id: str, config: RunnableConfig | None, items: int | None) -> None:
        self._run_id = run_id
        self._config = config
        self._batch = items is not None

    def prepare(self, attempt: Attempt) -> RunnableConfig:
        if self._batch:
            # Each item is known again by its input, as the calls in a block are.
            return with_configurable(self._config, {RUN_ID: self._run_id})
        # The root call of a wrapped graph has one place in the run, the first.
        return _reentering(self._config, first_call(self._run_id), {RUN_ID: self._run_id})


class _Injected:
    """A graph without a checkpointer: ours is there for this call, one for each item of a batch."""

    def __init__(
        self, calls: GraphCalls, run_id: str, config: RunnableConfig | None, items: int | None
    ) -> None:
        self._calls = calls
        self._run_id = run_id
        self._config = config
        self._items = items
        self._savers: list[Any] = []

    def prepare(self, attempt: Attempt) -> RunnableConfig | list[RunnableConfig]:
        if self._items is None:
            return self._ready(attempt, self._config, first_call(self._run_id))
        return [
            self._ready(attempt, config, f"{self._run_id}:batch:{item}", item)
            for item, config in enumerate(get_config_list(self._config, self._items))
        ]

    def _ready(
        self,
        attempt: Attempt,
        config: RunnableConfig | None,
        reentry: str,
        item: int | None = None,
    ) -> RunnableConfig:
        saver = self._calls.view(self._run_id, fresh=attempt.number == 1, item=item)
        self._savers.append(saver)
        injected = {RUN_ID: self._run_id, CHECKPOINTER: saver}
        if self._calls.in_memory:
            # That saver needs a thread. For others there is none: a made-up name would show in
            # traces, and nodes ask for it.
            injected["thread_id"] = ((config or {}).get("configurable") or {}).get(
                "thread_id", self._run_id
            )
        if attempt.index is None or not attempt.index.asked:
            # What a graph leaves when it stops for the first time is all that is needed. Later
            # it is not: of several calls of subgraphs in one node, answered ones must be kept.
            injected[DURABILITY] = "exit"
        return _reentering(config, reentry, injected)

    def settle(self, attempt: Attempt, value: Any) -> Procedure[None]:
        """Keep the state of a run that has paused; that of one that has not is its result."""
        for saver in self._savers:
            if attempt.interrupted:
                yield Blocking(saver.flush)
            elif saver.kept:
                yield Blocking(functools.partial(self._finish, saver))

    def _finish(self, saver: Any) -> None:
        """Bring what was kept of a run that had paused up to date."""
        try:
            saver.flush()
        except JournalError:
            raise
        except Exception as exc:
            saver.discard()
            warnings.warn(
                f"Run {self._run_id!r} is finished, but the last state of its graph cannot be "
                f"kept, so get_state() will have none: {exc}",
                DurableWarning,
                stacklevel=2,
            )


def _reentering(
    config: RunnableConfig | None, reentry: str, values: dict[str, Any]
) -> RunnableConfig:
    metadata = {**((config or {}).get("metadata") or {}), REENTRY: reentry}
    return with_configurable(config, values, metadata=metadata)
