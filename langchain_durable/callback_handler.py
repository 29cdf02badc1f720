"""Durability as a LangChain callback, for programs where only a config can be changed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig

from langchain_durable import ids
from langchain_durable.arguments import check
from langchain_durable.durable import Durable
from langchain_durable.identity.root_call import RootCall
from langchain_durable.identity.tree import Scope, Tree, is_streamed
from langchain_durable.intercept.active import active, follow, unfollow
from langchain_durable.intercept.tracker import PathTracker
from langchain_durable.recorder.acquire import acquire
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.recorder.ending import abort, finish
from langchain_durable.recorder.request import UNKNOWN_INPUT, Request, intent_of
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Procedure, drive

logger = logging.getLogger("langchain_durable")


class DurableCallbackHandler(PathTracker[Attempt]):
    """Makes the invocation that it is passed to durable.

    ``agent.invoke(inputs, {"callbacks": [DurableCallbackHandler(durable, run_id="order-42")]})``

    A callback cannot answer in the program's place: the program's own code runs again on
    resume, and its finished calls are answered from the journal. One handler is one run, and
    so is a batch that it is passed to: use a new one for each. Inside a run that is active
    already it does nothing. Of a config it sees the ``metadata`` only: a tenant is named there.
    """

    def __init__(self, durable: Durable, *, run_id: str | None = None) -> None:
        check(
            isinstance(durable, Durable),
            "durable",
            durable,
            expected="a Durable",
            do="write DurableCallbackHandler(durable, run_id=run_id)",
        )
        self.run_id = ids.checked(run_id) if run_id is not None else ids.new()
        if run_id is None:
            logger.info("no run_id was given; this is run %s", self.run_id)
        self._durable = durable
        self._opener: _Opener | None = None
        self._roots: set[UUID] = set()
        self._in_batch = False
        self._turn = threading.Lock()
        self._inside = False
        self._unlabelled = False
        super().__init__(self._new_attempt())

    def _new_attempt(self) -> Attempt:
        connector = self._durable.connector
        attempt = Attempt(
            run_id=self.run_id,
            codec=connector.codec,
            settings=connector.settings,
            tree=Tree(top_by_ordinal=True),
        )
        attempt.closed = True  # until something starts
        return attempt

    def _enter(
        self, run_id: UUID, parent_run_id: UUID | None, label: str, inputs: Any, **step: Any
    ) -> Scope:
        if self.scope(parent_run_id) is None:
            with self._turn:
                if not self._roots and not self._in_batch:
                    self._begin(inputs)
                self._roots.add(run_id)
        return super()._enter(run_id, parent_run_id, label, inputs, **step)

    @contextmanager
    def batch(self, inputs: Sequence[Any], parent_run_id: UUID | None) -> Iterator[None]:
        """The items of a batch are one run, whose input is all of theirs."""
        begins = parent_run_id is None and self._begin_batch(inputs)
        error: BaseException | None = None
        try:
            with super().batch(inputs, parent_run_id):
                yield
        except BaseException as exc:
            error = exc
            raise
        finally:
            if begins:
                self._end_batch(error)

    def _begin_batch(self, inputs: Sequence[Any]) -> bool:
        """Begin a run for a batch, unless one is there that the batch is a part of."""
        with self._turn:
            if self._roots or self._in_batch:
                return False
            self._begin(list(inputs))
            self._in_batch = True
            return True

    def _end_batch(self, error: BaseException | None) -> None:
        with self._turn:
            self._in_batch = False
            # Of items under way, when one has failed, nobody says that they have ended.
            self._roots.clear()
        self._end(error)

    def _begin(self, inputs: Any) -> None:
        tracker = active.get()
        self._inside = tracker is not None and not tracker.attempt.closed
        self._attempt = attempt = self._new_attempt()
        attempt.closed = False
        if is_streamed(inputs):
            inputs = UNKNOWN_INPUT
            attempt.tree.top_by_ordinal = False
        request = Request(
            inputs=inputs,
            intent=intent_of(inputs),
            program="callback",
            call={"method": "callback"},
        )
        self._opener = _Opener(self._durable, attempt, request)
        self._unlabelled = True
        attempt.opener = self._opener.open
        follow(self)

    def on_chain_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_chain_start(*args, **kwargs)
        self._label(kwargs)

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_chat_model_start(*args, **kwargs)
        self._label(kwargs)

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_llm_start(*args, **kwargs)
        self._label(kwargs)

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_tool_start(*args, **kwargs)
        self._label(kwargs)

    def on_retriever_start(self, *args: Any, **kwargs: Any) -> None:
        super().on_retriever_start(*args, **kwargs)
        self._label(kwargs)

    def _label(self, started: Mapping[str, Any]) -> None:
        """The first start of a run, which comes before its first step, has the call's metadata."""
        if self._unlabelled and self._opener is not None:
            self._unlabelled = False
            config: RunnableConfig = {"metadata": started.get("metadata") or {}}
            self._opener.request = self._durable.labels.of_config(self._opener.request, config)

    def root_call(self, place: str) -> RootCall | None:
        if active.get() is not None:
            return None
        if self._roots:
            return super().root_call(place)
        # The run is not taken yet, so nobody knows whether it is a new one.
        return RootCall(f"{self.run_id}:{place}:0", resumed=True)

    def step(self, run_id: UUID) -> Any:
        return None if self._inside else super().step(run_id)

    def _announce(self, scope: Scope) -> None:
        if not self._inside:
            super()._announce(scope)

    def _leave(self, run_id: UUID, error: BaseException | None = None, outputs: Any = None) -> None:
        super()._leave(run_id, error, outputs)
        if run_id not in self._roots:
            return
        with self._turn:
            self._roots.discard(run_id)
            over = not self._roots and not self._in_batch
        if over:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        unfollow(self)
        attempt = self._attempt
        runtime = self._opener.runtime if self._opener is not None else None
        if runtime is None or self._inside:
            attempt.closed = True
            return
        if error is None:
            ending = finish(runtime, attempt, None, keep_result=False)
        else:
            ending = abort(runtime, attempt, error)
        if _on_event_loop():
            _post(ending)
        else:
            drive(ending)


class _Opener:
    """Takes the run at its first step, which may be several at once."""

    def __init__(self, durable: Durable, attempt: Attempt, request: Request) -> None:
        self._durable = durable
        self._attempt = attempt
        self.request = request
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self.runtime: Runtime | None = None
        """What the attempt was opened with, and is given back to."""

    def open(self) -> Procedure[None]:
        """Open the attempt, or wait for the step that does."""
        with self._lock:
            first = self._opened is None
            opened = self._opened = self._opened or _Opened()
        if not first:
            yield opened
            return
        try:
            runtime: Runtime = yield from self._durable.connector.connected()
            yield from acquire(runtime, self._attempt, self.request)
            self.runtime = runtime
        except BaseException as exc:
            opened.future.set_exception(exc)
            opened.future.exception()
            raise
        self._attempt.opener = None
        opened.future.set_result(None)


class _Opened:
    """The ticket of those that wait for another step to open the attempt."""

    def __init__(self) -> None:
        self.future: concurrent.futures.Future[None] = concurrent.futures.Future()

    def done(self) -> bool:
        return self.future.done()

    def result(self) -> None:
        self.future.result()

    async def aresult(self) -> None:
        await asyncio.wrap_future(self.future)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _post(ending: Procedure[None]) -> None:
    """Send the end of the run without waiting: a callback must not block its event loop."""
    try:
        next(ending)
    except StopIteration:
        return
    ending.close()
