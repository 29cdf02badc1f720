"""Runs by their id: listing, reading, resuming, cancelling and deleting them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig

from langchain_durable import ids
from langchain_durable.arguments import check, check_config, check_limit, is_whole
from langchain_durable.connecting.connector import Connector
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import Entry, RunStatus
from langchain_durable.journal import Header
from langchain_durable.reading import queries
from langchain_durable.reading.checkpoint import Checkpoint
from langchain_durable.reading.resolving import resolve
from langchain_durable.reading.stored_call import stored_call
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.running.wrap import RUN_ID, with_configurable
from langchain_durable.waiting import Procedure, adrive, drive


class RunsById:
    """The part of the handle that works on runs which other calls have made."""

    def __init__(
        self,
        connector: Connector,
        wrap: Callable[..., Any],
        forget_state: Callable[[str], None],
    ) -> None:
        self.connector = connector
        self._wrap = wrap
        self._forget_state = forget_state
        self._programs: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()

    def remember(self, name: str, program: Any) -> None:
        """Let ``resume`` find a wrapped program by its name."""
        self._programs[name] = program

    def runs(self, *, status: RunStatus | str | None = None, limit: int = 100) -> Sequence[Header]:
        """The runs last updated, newest first.

        ``status``: only these; ``"crashed"`` are those among the running ones whose process died,
        or has been silent for longer than its lease (``Header.crashed``): they wait for
        :meth:`resume`.
        """
        return drive(self._list(status, limit))

    async def aruns(
        self, *, status: RunStatus | str | None = None, limit: int = 100
    ) -> Sequence[Header]:
        """As :meth:`runs`, on an event loop."""
        return await adrive(self._list(status, limit))

    def get(self, run_id: str) -> Checkpoint:
        """A run's checkpoint, folded from its journal: status, steps, messages, results.

        Raises ``RunNotFound`` and ``RunExpired``.
        """
        found: Checkpoint = drive(self._on(run_id, queries.checkpoint))
        return found

    async def aget(self, run_id: str) -> Checkpoint:
        """As :meth:`get`, on an event loop."""
        found: Checkpoint = await adrive(self._on(run_id, queries.checkpoint))
        return found

    def header(self, run_id: str) -> Header:
        """A run's header: status, owner, lease and counters, without its journal.

        It is there longer than the journal. Raises ``RunNotFound``.
        """
        found: Header = drive(self._on(run_id, queries.header))
        return found

    async def aheader(self, run_id: str) -> Header:
        """As :meth:`header`, on an event loop."""
        found: Header = await adrive(self._on(run_id, queries.header))
        return found

    def events(self, run_id: str, *, after: int = 0) -> Sequence[Entry]:
        """What happened in a run, oldest first, from behind the sequence number ``after``.

        Payloads stay undecoded. Raises ``RunNotFound`` and ``RunExpired``.
        """
        return drive(self._behind(run_id, after))

    async def aevents(self, run_id: str, *, after: int = 0) -> Sequence[Entry]:
        """As :meth:`events`, on an event loop."""
        return await adrive(self._behind(run_id, after))

    def resume(
        self,
        run_id: str,
        runnable: Runnable[Any, Any] | None = None,
        *,
        answer: Any = None,
        config: RunnableConfig | None = None,
        **options: Any,
    ) -> Any:
        """Make a run's call again, from its recorded input, and give its result.

        ``runnable``: the program, wrapped or not; without it, the one that this handle has
        wrapped under the run's program name. ``answer`` is a person's to the interrupt that the
        graph has paused at, as ``Command(resume=...)`` takes it: of several a dict by their ids,
        and None is no answer. A completed run gives its stored result. Raises ``RunNotFound``,
        and ``ConfigurationError`` for an answer to a run that waits for none.

        The journal has the input, and of the config the texts and numbers in ``configurable``.
        What else the call was given, such as ``context`` or ``recursion_limit``, is to be given
        again: ``config``, and further ``options`` as ``invoke`` takes them.
        """
        program, call, inputs = drive(self._on(run_id, stored_call, answer))
        wrapped = self._program(run_id, program, runnable)
        method = wrapped.batch if "batch" in call["method"] else wrapped.invoke
        return method(inputs, _config(run_id, call, config), **options)

    async def aresume(
        self,
        run_id: str,
        runnable: Runnable[Any, Any] | None = None,
        *,
        answer: Any = None,
        config: RunnableConfig | None = None,
        **options: Any,
    ) -> Any:
        """As :meth:`resume`, on an event loop."""
        program, call, inputs = await adrive(self._on(run_id, stored_call, answer))
        wrapped = self._program(run_id, program, runnable)
        method = wrapped.abatch if "batch" in call["method"] else wrapped.ainvoke
        return await method(inputs, _config(run_id, call, config), **options)

    def resolve(self, run_id: str, step: str, *value: Any) -> None:
        """Decide a tool's step that is in doubt.

        ``step`` is its id as ``get(run_id).steps`` shows it. With a value, that is recorded
        as its result; without, it runs again on the next attempt. Raises ``RunNotFound``,
        ``RunBusy``, ``Unjournalable``, and ``ConfigurationError`` for a step that is not in
        doubt; the run stays as it was then.
        """
        drive(self._on(run_id, resolve, step, value))

    async def aresolve(self, run_id: str, step: str, *value: Any) -> None:
        """As :meth:`resolve`, on an event loop."""
        await adrive(self._on(run_id, resolve, step, value))

    def cancel(self, run_id: str) -> Header:
        """Stop a run; a run that nobody runs is cancelled at once.

        One that runs ends at the first step after its process hears of it, which is when it
        next renews its lease (within ``lease`` / 3); if it finishes before that, it is completed.
        """
        found: Header = drive(self._on(run_id, queries.cancel))
        return found

    async def acancel(self, run_id: str) -> Header:
        """As :meth:`cancel`, on an event loop."""
        found: Header = await adrive(self._on(run_id, queries.cancel))
        return found

    def delete(self, run_id: str) -> None:
        """Remove a run and all its data. Raises ``RunNotFound``, ``RunBusy`` while it runs."""
        drive(self._on(run_id, queries.delete, lambda: self._forget_state(run_id)))

    async def adelete(self, run_id: str) -> None:
        """As :meth:`delete`, on an event loop."""
        await adrive(self._on(run_id, queries.delete, lambda: self._forget_state(run_id)))

    # -- procedures -----------------------------------------------------------------

    def _on(self, run_id: str, query: Callable[..., Procedure[Any]], *args: Any) -> Procedure[Any]:
        checked = ids.checked(run_id)
        runtime: Runtime = yield from self.connector.connected()
        return (yield from query(runtime, checked, *args))

    def _behind(self, run_id: str, after: int) -> Procedure[Sequence[Entry]]:
        check(
            is_whole(after, 0),
            "after",
            after,
            expected="an entry's sequence number, or 0 for all",
            do="give the seq of the last entry that you have",
        )
        found: Sequence[Entry] = yield from self._on(run_id, queries.entries, after)
        return found

    def _list(self, status: RunStatus | str | None, limit: int) -> Procedure[Sequence[Header]]:
        wanted, crashed = queries.run_status(status)
        check_limit(limit)
        runtime = yield from self.connector.connected()
        return (yield from queries.listed(runtime, wanted, limit, crashed=crashed))

    def _program(self, run_id: str, name: str, runnable: Runnable[Any, Any] | None) -> Any:
        if runnable is not None:
            return self._wrap(runnable, name=name)
        found = self._programs.get(name)
        if found is None:
            raise ConfigurationError(
                f"Run {run_id!r} is a run of the program {name!r}, which is not known here.",
                expected="a runnable that this handle has wrapped under that name",
                came=f"known here: {', '.join(sorted(self._programs)) or 'none'}",
                do="wrap the program first, or give it: durable.resume(run_id, agent)",
            )
        return found


def _config(run_id: str, call: Mapping[str, Any], given: RunnableConfig | None) -> RunnableConfig:
    check_config("config", given)
    own = (given or {}).get("configurable") or {}
    return with_configurable(given, {**call["configurable"], **own, RUN_ID: run_id})
