"""The indexes of runs by status: hints in other slots, put right whenever they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_durable.events import RunStatus
from langchain_durable.journal import MS, Header, Retention
from langchain_durable.store import decode
from langchain_durable.store.keys import Keys
from langchain_durable.store.refusals import checked
from langchain_durable.store.resp import Command
from langchain_durable.store.waits import Later
from langchain_durable.store.writer import Writer
from langchain_durable.waiting import Procedure, Ticket

_TRIM_EVERY = 50
"""What has expired is dropped from an index with the first and every 50th ended run."""
_REPAIRS = 20
"""Times that a list is read again because some of it was stale."""


class Index:
    """Lists runs by the time of their last update.

    A sorted set per status. It is written after the script that changed the header, not
    by it, since it lives in another slot; a process may die in between.
    """

    def __init__(self, writer: Writer, keys: Keys, retention: Retention, url: str) -> None:
        self._writer = writer
        self._keys = keys
        self._retention = retention
        self._url = url
        self._told = 0

    def tell(
        self,
        run_id: str,
        status: RunStatus,
        updated: int,
        before: RunStatus,
        beside: Sequence[Command] = (),
    ) -> None:
        """Tell a run's status at once, and send what goes with it; nobody waits for it."""
        commands = self._commands(run_id, status, updated, before)
        self._writer.post([*commands, *beside], _ignore)

    def _commands(
        self, run_id: str, status: RunStatus, updated: int, before: RunStatus
    ) -> list[Command]:
        commands: list[Command] = [("ZADD", self._keys.index(status), updated, run_id)]
        if before is not status:
            commands.append(("ZREM", self._keys.index(before), run_id))
        if status.ended and self._retention.header:
            self._told += 1
            if self._told % _TRIM_EVERY == 1:
                oldest = updated - self._retention.header * 1000
                commands.append(("ZREMRANGEBYSCORE", self._keys.index(status), "-inf", oldest))
        return commands

    def forget(self, run_id: str, statuses: Sequence[RunStatus]) -> None:
        """Note that a run is not, or no more, in these statuses."""
        commands = [("ZREM", self._keys.index(status), run_id) for status in statuses]
        self._writer.post(commands, _ignore)

    def newest(self, status: RunStatus | None, limit: int) -> Ticket[Sequence[Header]]:
        """Headers of the runs last updated, newest first."""
        statuses = tuple(RunStatus) if status is None else (status,)

        def procedure() -> Procedure[Sequence[Header]]:
            fresh: list[Header] = []
            for _ in range(_REPAIRS):
                listed = yield self._listed(statuses, limit)
                fresh, mended = yield self._fresh(listed)
                if not mended:
                    break
            return sorted(fresh, key=lambda header: -header.updated)[:limit]

        return Later(procedure)

    def _listed(
        self, statuses: Sequence[RunStatus], limit: int
    ) -> Ticket[list[tuple[str, RunStatus]]]:
        """The newest runs that the indexes tell of."""
        commands = [("ZREVRANGE", self._keys.index(status), 0, limit - 1) for status in statuses]

        def answer(replies: list[Any]) -> list[tuple[str, RunStatus]]:
            return [
                (member.decode(errors="replace"), status)
                for status, reply in zip(statuses, replies, strict=True)
                for member in checked(self._url, reply)
            ]

        return self._writer.post(commands, answer)

    def _fresh(self, listed: Sequence[tuple[str, RunStatus]]) -> Ticket[tuple[list[Header], bool]]:
        """The headers of those listed rightly, and whether the index had to be mended.

        A header that cannot be read is left out and left alone: a newer release may have
        written it.
        """
        commands: list[Command] = [decode.TIME]
        for run_id, _ in listed:
            commands += decode.header_commands(self._keys, run_id)

        def answer(replies: list[Any]) -> tuple[list[Header], bool]:
            time, *rest = (checked(self._url, reply) for reply in replies)
            fresh, mended = [], False
            for (run_id, status), stored, alive in zip(listed, rest[::2], rest[1::2], strict=True):
                try:
                    header = decode.stored_header(run_id, time, stored, alive)
                except decode.REFUSED:
                    continue
                if header is not None and header.status is status:
                    fresh.append(header)
                    continue
                mended = True
                if header is None:
                    self.forget(run_id, (status,))
                else:
                    self.tell(run_id, header.status, header.updated // MS, status)
            return fresh, mended

        return self._writer.post(commands, answer)


def _ignore(replies: list[Any]) -> None:
    return None
