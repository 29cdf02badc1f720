"""A run around any code: ``with durable.run("order-42"):``."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from langchain_durable.arguments import check
from langchain_durable.errors import RunNotActive
from langchain_durable.identity.beside import maker
from langchain_durable.intercept.active import active, deactivate
from langchain_durable.intercept.tracker import PathTracker, RunTracker
from langchain_durable.recorder.attempt import Attempt
from langchain_durable.running.nesting import surrounding, warn_of_another
from langchain_durable.running.running import Running, Taken
from langchain_durable.waiting import Procedure, adrive, drive

P = ParamSpec("P")
T = TypeVar("T")


class Run:
    """One run of the block's code. Made by ``Durable.run``; works in ``with`` and ``async with``.

    The block's code runs in every attempt; the calls in it that have finished are answered
    from the journal. ``run_id`` is the run's id, ``resumed`` is true if an earlier attempt
    left something to replay.
    """

    def __init__(self, running: Running, *, named: bool = True) -> None:
        self._running = running
        self._named = named
        self._taken: Taken | None = None
        self._tracker: RunTracker | None = None
        self._before: RunTracker | None = None
        self._joined: list[bool] = []
        """For each time that it is entered: is it a part of a run around it?"""
        self._current: AbstractContextManager[Any] = nullcontext()

    @property
    def run_id(self) -> str:
        if self._tracker is not None:
            return self._tracker.attempt.run_id  # of the run around this one, if it has joined it
        return self._running.run_id

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self._opened().number

    @property
    def resumed(self) -> bool:
        return self._opened().resumed

    @property
    def replayed(self) -> int:
        """How many steps were answered from the journal so far."""
        return self._opened().counts.replayed

    @property
    def executed(self) -> int:
        """How many steps were made in this attempt so far."""
        return self._opened().counts.executed

    def _opened(self) -> Attempt:
        return self._following().attempt

    def _following(self) -> RunTracker:
        if self._tracker is None:
            raise RunNotActive(
                self.run_id,
                "it is not open here.",
                expected="code inside the with block",
                came="code before it",
                do="use the run inside `with durable.run(...) as run:`",
            )
        return self._tracker

    def bind(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, for a plain thread or executor: its calls belong to this run.

        A coroutine function's coroutine is a task of the loop that awaits it.
        """
        check(
            callable(function),
            "function",
            function,
            expected="a function",
            do="give the function itself, without calling it: run.bind(function)",
        )
        context = copy_context()
        # The run's own tracker: a second one beside it would count every call twice.
        context.run(active.set, self._following())

        @functools.wraps(function)
        def bound(*args: P.args, **kwargs: P.kwargs) -> T:
            # A context can be entered once at a time; a pool may run the function in parallel.
            own = context.copy()
            value = own.run(function, *args, **kwargs)
            if inspect.iscoroutine(value):  # nothing of it has run yet
                return cast("T", _within(own, value))
            return value

        if not inspect.iscoroutinefunction(function):
            return bound

        @functools.wraps(function)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await cast("Any", bound(*args, **kwargs))

        return cast("Callable[P, T]", awaited)

    def _enter(self) -> Procedure[None]:
        outer = surrounding()
        if outer is not None:
            if self._named:
                warn_of_another(outer, self.run_id, stacklevel=5)
            self._tracker = outer
        else:
            self._taken = yield from self._running.replayed_or_live()
            self._tracker = PathTracker(self._taken.attempt)
        self._joined.append(outer is not None)

    def _activate(self) -> None:
        if not self._joined[-1]:
            tracker = self._following()
            tracker.attempt.tree.top.maker = maker()
            self._before = active.get()
            active.set(tracker)
            self._current = tracker.attempt.trace.current()
            self._current.__enter__()

    def _exit(self, exc: BaseException | None) -> Procedure[None]:
        if self._joined.pop():
            return
        assert self._taken is not None  # it was entered
        if exc is None:
            yield from self._taken.close(None, keep_result=False)
        else:
            yield from self._taken.abort(exc)

    def _deactivate(self) -> None:
        if not self._joined[-1]:
            self._current.__exit__(None, None, None)
            tracker = self._following()
            tracker.attempt.tree.top.maker = None
            deactivate(tracker, self._before)

    def __enter__(self) -> Run:
        drive(self._enter())
        self._activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deactivate()
        drive(self._exit(exc))

    async def __aenter__(self) -> Run:
        await adrive(self._enter())
        self._activate()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deactivate()
        await adrive(self._exit(exc))


async def _within(context: Context, coroutine: Coroutine[Any, Any, T]) -> T:
    return await asyncio.create_task(coroutine, context=context)
