"""Calls of graphs inside a run: the same call of the same run goes on where it was.

LangGraph resumes a call instead of starting a new turn if the thread's checkpoint carries the
call's run id in its metadata. So each root call of a graph inside a run gets an id that is the
same in every attempt, and that no other call has: calls inside of it would inherit its own. If
the thread has moved on since (a later call in the same run), the call is addressed to its own
last checkpoint. A call that stands at a static breakpoint is answered with the graph's state.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig

from langchain_durable.identity.fingerprint import fingerprint
from langchain_durable.identity.message_ids import in_graph
from langchain_durable.identity.root_call import RootCall
from langchain_durable.intercept.active import active, tracker_in
from langchain_durable.intercept.graphs.breakpoints import Breakpoints
from langchain_durable.intercept.graphs.reads import ASYNC, SYNC, Reads
from langchain_durable.intercept.graphs.stops import watched
from langchain_durable.intercept.graphs.taken_answers import forget_taken
from langchain_durable.intercept.tracker import RunTracker
from langchain_durable.recorder.stops import Stop
from langchain_durable.touchpoints.child_context import child_config
from langchain_durable.touchpoints.langgraph import (
    CHECKPOINTER,
    addressed,
    has_own_saver,
    is_command,
    is_nested,
)
from langchain_durable.waiting import Call, Procedure, adrive, drive

REENTRY = "run_id"
"""The key in a checkpoint's metadata by which LangGraph knows a call again."""


def with_reentry(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``stream``."""

    @functools.wraps(original)
    def stream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> Iterator[Any]:
        call = _call_of(graph, input, config, kwargs)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        state = drive(call.find(SYNC)) if call.may_have_begun else None
        if state is not None or call.over:
            return call.told(state)
        return original(graph, call.input, call.config, **kwargs)  # type: ignore[no-any-return]  # as above

    return stream


def with_async_reentry(original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper of a graph's ``astream``."""

    @functools.wraps(original)
    def astream(graph: Any, input: Any, config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        call = _call_of(graph, input, config, kwargs)
        if call is None:
            return original(graph, input, config, **kwargs)  # type: ignore[no-any-return]  # as the graph's
        if not call.may_have_begun:
            return original(graph, input, call.config, **kwargs)  # type: ignore[no-any-return]  # as above
        return resumed(graph, call, kwargs)

    async def resumed(graph: Any, call: _GraphCall, kwargs: Any) -> AsyncIterator[Any]:
        state = await adrive(call.find(ASYNC))
        if state is not None or call.over:
            for piece in call.told(state):
                yield piece
            return
        async for piece in original(graph, call.input, call.config, **kwargs):
            yield piece

    return astream


class _GraphCall:
    """A root call of a graph that has a saver, inside a run.

    ``place`` is what LangGraph makes of its ``configurable``. ``reentry`` is None for a call
    that goes on with what is there, as with an answer; ``continues`` if it goes on with a call of
    this run, whose id it takes over. ``movable``: the run may have made other calls in its thread;
    ``shared``: other runs may have.
    ``addressed``: it goes on with a checkpoint that its config names.
    ``over``: it has ended long ago, and its thread has gone on without it.
    """

    def __init__(
        self,
        *,
        input: Any,
        given: RunnableConfig,
        place: Mapping[str, Any],
        tracker: RunTracker,
        breakpoints: Breakpoints,
        reentry: RootCall | None,
        movable: bool,
        shared: bool,
        continues: bool,
        addressed: bool,
    ) -> None:
        self._tracker = tracker
        self._reentry = reentry
        self._movable = movable
        self._shared = shared
        self._continues = continues
        self._addressed = addressed
        self._place = place
        self._thread: Hashable | None = None
        self.breakpoints = breakpoints
        self.input = input
        self.config = given
        self.over = False
        if reentry is not None:
            self._name(reentry.id)
        if not is_nested(child_config().get("configurable") or {}):
            # What a node calls on a thread of its own is the node's affair.
            self._thread = (id(breakpoints.saver), place.get("thread_id"))
            self.config = watched(self.config, tracker, self._thread)

    def _name(self, id: str) -> None:
        metadata = {**(self.config.get("metadata") or {}), REENTRY: id}
        self.config = {**self.config, "metadata": metadata}

    @property
    def may_have_begun(self) -> bool:
        """May an earlier call have left something that this one has to look at?"""
        return self._asked or self._continues or self._addressed or self._comes_again

    @property
    def _comes_again(self) -> bool:
        """May the same call have been made before, so that it has a place to be found?"""
        attempts_before = self._tracker.attempt.index is not None
        if self._reentry is None or not (self._reentry.resumed or attempts_before):
            return False
        return self._movable or self._shared or bool(self.breakpoints)

    @property
    def _asked(self) -> bool:
        """Has the run asked a person, who has not answered by this call?"""
        index = self._tracker.attempt.index
        return index is not None and index.asked > 0 and not is_command(self.input)

    def find(self, reads: Reads) -> Procedure[Any]:
        """Address the call to its own last checkpoint; the state, if nothing is to run from it."""
        if self._asked:
            yield from self._forget_taken(reads)
        if self._addressed:
            yield from self._go_back(reads)
            return None
        if self._continues:
            yield from self._take_over(reads)
            return None
        if not self._comes_again:
            return None
        if self._movable or self._shared:
            yield from self._look_around(reads)
        if self.over:
            return (yield from self._last_state(reads))
        if not self.breakpoints:
            return None
        place = RunnableConfig(configurable={**self._place})
        state = yield from self.breakpoints.standing(place, self._owns, reads)
        if state is not None and self._thread is not None:
            found = (state.config.get("configurable") or {}).get("checkpoint_id", "")
            self._tracker.attempt.stops[self._thread] = Stop(checkpoint=found)
        return state

    def _forget_taken(self, reads: Reads) -> Procedure[None]:
        index = self._tracker.attempt.index
        assert index is not None  # _asked says so
        yield from forget_taken(
            self.breakpoints.saver,
            RunnableConfig(configurable={**self._place}),
            self._is_of_run,
            index,
            reads,
            kept_at_once=self._shared,
        )

    def _look_around(self, reads: Reads) -> Procedure[None]:
        """Find the call's place in a thread that has gone on since."""
        assert self._reentry is not None  # _comes_again says so
        saver, place = self.breakpoints.saver, RunnableConfig(configurable={**self._place})
        latest = yield Call(lambda: reads.saved(saver, place))
        if latest is None or self._owns(latest):
            return
        if not self._movable and self._tracker.attempt.lease is None:
            self.over = True  # LangGraph would take the same input for a new turn
            return
        if latest.metadata.get("source") == "update" and not self._movable:
            yield from self._take_change(latest, reads)
            return
        yield from self._move(reads)

    def _move(self, reads: Reads) -> Procedure[bool]:
        """Address the call to the last checkpoint that is its own; is there one?"""
        assert self._reentry is not None  # _comes_again says so
        saver, place = self.breakpoints.saver, RunnableConfig(configurable={**self._place})
        mine = {REENTRY: self._reentry.id}
        found = yield Call(lambda: reads.latest(saver, place, mine))
        if found is None:
            return False
        plain = found
        while plain.metadata.get("source") == "fork" and plain.parent_config is not None:
            # A fork that an earlier attempt had for the same move.
            plain = yield Call(functools.partial(reads.saved, saver, plain.parent_config))
        _counts_from(plain)
        checkpoint = found.config["configurable"]["checkpoint_id"]
        self._place = {**self._place, "checkpoint_id": checkpoint}
        self.config = {**self.config, "configurable": {**self._place}}
        return True

    def _go_back(self, reads: Reads) -> Procedure[None]:
        """Go on from a checkpoint that the caller names, in every attempt by the same steps.

        LangGraph always forks a plain one. One that a person has made it forks only if the thread
        has gone on since, as it has when the call is made again.
        """
        saver, place = self.breakpoints.saver, RunnableConfig(configurable={**self._place})
        found = yield Call(lambda: reads.saved(saver, place))
        if found is not None and found.metadata.get("source") in ("update", "fork"):
            _counts_from(found)

    def _last_state(self, reads: Reads) -> Procedure[Any]:
        if not (yield from self._move(reads)):
            return None
        place = RunnableConfig(configurable={**self._place})
        return (yield Call(lambda: reads.state(self.breakpoints.graph, place)))

    def told(self, state: Any) -> Iterator[Any]:
        """What the call streams that nothing has to run for."""
        if state is not None:
            yield from self.breakpoints.told(state, waits=not self.over)

    def _take_change(self, latest: Any, reads: Reads) -> Procedure[None]:
        """Go on with what a person has made of the call's state."""
        changed = latest
        while changed is not None and changed.metadata.get("source") == "update":
            if changed.parent_config is None:
                return
            read = functools.partial(reads.saved, self.breakpoints.saver, changed.parent_config)
            changed = yield Call(read)
        if changed is not None and self._owns(changed):
            self.input = None

    def _take_over(self, reads: Reads) -> Procedure[None]:
        """Be the same call as the one that stands there, if that was made in this run: what that
        is given again then finds its end, and not the place where it waited."""
        saver, place = self.breakpoints.saver, RunnableConfig(configurable={**self._place})
        latest = yield Call(lambda: reads.saved(saver, place))
        if latest is not None and self._is_of_run(latest):
            self._name(latest.metadata[REENTRY])

    def _is_of_run(self, saved: Any) -> bool:
        id = str(saved.metadata.get(REENTRY) or "")
        return id.startswith(f"{self._tracker.attempt.run_id}:")

    def _owns(self, saved: Any) -> bool:
        return self._reentry is not None and saved.metadata.get(REENTRY) == self._reentry.id


def _counts_from(saved: Any) -> None:
    """The supersteps of the call that is made here count from this checkpoint, forked or not."""
    call, step = in_graph.get(), saved.metadata.get("step")
    if call is not None and step is not None:
        call.first_step = step + 1


def _call_of(
    graph: Any, input: Any, config: RunnableConfig | None, options: Mapping[str, Any]
) -> _GraphCall | None:
    given_callbacks = (config or {}).get("callbacks")
    around = child_config().get("callbacks")
    tracker = active.get() or tracker_in(given_callbacks) or tracker_in(around)
    if tracker is None:
        return None
    place = addressed(_merged(graph.config, config, "configurable"))
    own = has_own_saver(graph)
    saver = graph.checkpointer if own else place.get(CHECKPOINTER)
    if saver is None or is_nested(place):
        return None
    continues = is_command(input) or input is None
    named = _own_name(_merged(graph.config, config, "metadata"))
    reentry: RootCall | None = None
    if named is not None and not continues:
        reentry = RootCall(named, tracker.attempt.resumed)
    elif own and not continues and not place.get("checkpoint_id"):
        reentry = tracker.root_call(f"{place.get('thread_id')}:{fingerprint(input).hex()}")
    index = tracker.attempt.index if named == first_call(tracker.attempt.run_id) else None
    return _GraphCall(
        input=input,
        given=_for_debugging(graph, config or RunnableConfig(), options),
        place=place,
        tracker=tracker,
        breakpoints=Breakpoints(
            graph=graph,
            saver=saver,
            options=options,
            stopped=index.breakpoints if index is not None else frozenset(),
            released=index.released if index is not None else frozenset(),
        ),
        reentry=reentry,
        movable=named is None,
        shared=own,
        continues=own and continues and named is None and not place.get("checkpoint_id"),
        addressed=continues and bool(place.get("checkpoint_id")),
    )


def _merged(
    own: RunnableConfig | None,
    given: RunnableConfig | None,
    key: Literal["configurable", "metadata"],
) -> Mapping[str, Any]:
    """One part of a graph's own config, and of the one that it is called with."""
    mine, theirs = (own or {}).get(key) or {}, (given or {}).get(key) or {}
    return {**mine, **theirs} if mine else theirs


def _own_name(metadata: Mapping[str, Any]) -> str | None:
    """The id that the caller has given this very call. One around it may have left its own."""
    named: str | None = metadata.get(REENTRY)
    if named is not None and named == (child_config().get("metadata") or {}).get(REENTRY):
        return None
    return named


def first_call(run_id: str) -> str:
    """The re-entry id of the call that a run of a wrapped graph is."""
    return f"{run_id}:0"


def _for_debugging(
    graph: Any, config: RunnableConfig, options: Mapping[str, Any]
) -> RunnableConfig:
    """The config, with no thread if there is none: LangGraph's debug streams look it up."""
    mode = options.get("stream_mode") or graph.stream_mode
    configurable = config.get("configurable") or {}
    if "thread_id" in configurable or not _DEBUGGING.intersection(
        [mode] if isinstance(mode, str) else mode
    ):
        return config
    return {**config, "configurable": {**configurable, "thread_id": None}}


_DEBUGGING = frozenset({"debug", "checkpoints"})
