"""Journals on plain Redis or Valkey: no modules, one script and one round trip an append."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_durable.events import RunStatus
from langchain_durable.journal import (
    FORMAT,
    MS,
    Close,
    Draft,
    Header,
    Lease,
    Opened,
    Opening,
    Record,
    Retention,
    Verdict,
)
from langchain_durable.store import decode
from langchain_durable.store.appends import Appends, head_of
from langchain_durable.store.index import Index
from langchain_durable.store.keys import DEFAULT_PREFIX, Keys
from langchain_durable.store.link import Link
from langchain_durable.store.lua import Scripts
from langchain_durable.store.outcomes import appended, busy, refusal
from langchain_durable.store.refusals import checked
from langchain_durable.store.resp import Command, Word
from langchain_durable.store.server import described
from langchain_durable.store.ticket import refused
from langchain_durable.store.waits import Later
from langchain_durable.store.writer import Writer
from langchain_durable.waiting import Procedure, Ticket

_LANES = 4096
_OVERHEAD = 1024
"""Bytes of a socket's buffer that a small command takes besides its own."""


class RedisStore:
    """A :class:`~langchain_durable.journal.Store` over a link to one server or a cluster."""

    def __init__(
        self,
        link: Link,
        scripts: Scripts,
        *,
        prefix: str = DEFAULT_PREFIX,
        retention: Retention | None = None,
        retry_for: float = 30.0,
        revive: Callable[[], None] | None = None,
    ) -> None:
        self._keys = Keys(prefix)
        self._retention = retention or Retention()
        self._scripts = scripts
        self._url = link.url
        self._writer = Writer(link, retry_for=retry_for, revive=revive)
        self._index = Index(self._writer, self._keys, self._retention, link.url)
        self._lanes: OrderedDict[tuple[str, bytes], Appends] = OrderedDict()

    # ------------------------------------------------------------------- writing

    def acquire(self, opening: Opening) -> Ticket[Opened]:
        keys = self._keys.all_of(opening.run_id)
        draft = opening.draft
        fields = _flat(opening.fields)
        command = (
            *("EVALSHA", self._scripts.acquire.sha, len(keys), *keys),
            *(FORMAT, opening.owner, opening.lease_ms, opening.intent.value),
            *(opening.fingerprint, opening.version, opening.evict, opening.max_stalls),
            *self._lives(),
            head_of(draft, b"-" if draft.payload is None else b"+"),
            *(draft.meta, draft.payload or b"", *fields),
        )

        def answer(replies: list[Any]) -> Opened:
            return self._opened(opening.run_id, checked(self._url, replies[0]))

        size = _OVERHEAD + len(draft.meta) + len(draft.payload or b"")
        return self._writer.post((command,), answer, size=size)

    def _opened(self, run_id: str, reply: Any) -> Opened:
        word, attempt, seq, held, now, alive, flat, fence = reply
        if word == b"corrupt":
            decode.corrupt(run_id, attempt.decode())
        verdict = Verdict(word.decode())
        if verdict is Verdict.MISSING:
            return Opened(verdict=verdict)
        if verdict is Verdict.TOO_NEW:
            return Opened(verdict=verdict, header=decode.newer_header(run_id, flat))
        header = None
        if verdict is not Verdict.NEW:
            header = decode.header(run_id, flat, now=int(now), journal_alive=alive == 1)
        lease = None
        if verdict in (Verdict.NEW, Verdict.ACQUIRED):
            lease = Lease(run_id=run_id, attempt=int(attempt), seq=int(seq), fence=fence)
            before = header.status if header else RunStatus.RUNNING
            beside = self._state_lives(run_id, RunStatus.RUNNING) if before.ended else []
            # At once: the program may die before it sends anything more.
            self._index.tell(run_id, RunStatus.RUNNING, int(now), before, beside)
        elif verdict is Verdict.CRASH_LOOP:
            status = RunStatus.FAILED
            beside = self._state_lives(run_id, status)
            self._index.tell(run_id, status, int(now), RunStatus.RUNNING, beside)
        return Opened(verdict=verdict, lease=lease, header=header, held_ms=int(held))

    def append(
        self,
        lease: Lease,
        drafts: Sequence[Draft],
        *,
        seq: int,
        close: Close | None = None,
        send: bool = True,
    ) -> Ticket[None]:
        lane = self._lanes.get((lease.run_id, lease.fence)) or self._lane(lease)
        if lane.error is not None:
            return refused(self._writer, lane)
        words: Sequence[Word] = ()
        if close is not None:
            fields = _flat(close.fields)
            words = (close.status.value, close.reason, *self._lives(), len(fields) // 2, *fields)
        command = lane.command(seq, drafts, words)

        def answer(replies: list[Any]) -> None:
            reply = replies[0]
            if reply == b"O":
                return
            checked(self._url, reply)
            appended(lease, seq, reply if close is None else reply[0])
            if close is not None:
                self._lanes.pop((lease.run_id, lease.fence), None)
                self._closed(lease, close.status, int(reply[1]))

        size = _OVERHEAD + len(command.raw)
        return self._writer.post((command,), answer, lane=lane, size=size, send=send)

    def send(self) -> None:
        self._writer.send()

    def _closed(self, lease: Lease, status: RunStatus, now: int) -> None:
        # The first attempt had no pause before it, whose state would be there.
        kept = status.ended and lease.attempt > 1
        beside = self._state_lives(lease.run_id, status) if kept else ()
        self._index.tell(lease.run_id, status, now, RunStatus.RUNNING, beside)

    def renew(self, lease: Lease, lease_ms: int) -> Ticket[bool]:
        meta = self._keys.meta(lease.run_id)
        command = ("EVALSHA", self._scripts.renew.sha, 1, meta, lease.fence, lease_ms)

        def answer(replies: list[Any]) -> bool:
            reply = checked(self._url, replies[0])
            if isinstance(reply, bytes):
                raise refusal(lease, reply)
            return bool(reply == 1)

        return self._writer.post((command,), answer)

    def cancel(self, run_id: str) -> Ticket[Header | None]:
        keys = self._keys.all_of(run_id)
        sha = self._scripts.cancel.sha
        command = ("EVALSHA", sha, len(keys), *keys, FORMAT, *self._lives())

        def answer(replies: list[Any]) -> Header | None:
            now, alive, before, flat = checked(self._url, replies[0])
            if not flat:
                return None
            header = decode.header(run_id, flat, now=int(now), journal_alive=alive == 1)
            if header.status.value != before.decode():
                beside = self._state_lives(run_id, header.status)
                was = RunStatus(before.decode())
                self._index.tell(run_id, header.status, header.updated // MS, was, beside)
            return header

        return self._writer.post((command,), answer)

    def delete(self, run_id: str) -> Ticket[bool]:
        keys = self._keys.all_of(run_id)
        command = ("EVALSHA", self._scripts.delete.sha, len(keys), *keys)

        def answer(replies: list[Any]) -> bool:
            reply = checked(self._url, replies[0])
            if isinstance(reply, list):
                raise busy(run_id, reply[1].decode(errors="replace"), int(reply[0]))
            self._index.forget(run_id, tuple(RunStatus))
            return bool(reply)

        return self._writer.post((command,), answer)

    # ------------------------------------------------------------------- reading

    def load(self, run_id: str, *, after: int = 0, limit: int = 1000) -> Ticket[Sequence[Record]]:
        commands: Sequence[Command] = (
            ("HGET", self._keys.meta(run_id), "format"),
            ("XRANGE", self._keys.journal(run_id), after + 1, "+", "COUNT", max(1, limit)),
        )
        entries = self._writer.post(commands, lambda replies: self._entries(run_id, replies))

        def procedure() -> Procedure[Sequence[Record]]:
            found = yield entries
            wanted = decode.digests(found)
            blobs: dict[bytes, bytes | None] = {}
            if wanted:
                command: Command = ("HMGET", self._keys.blobs(run_id), *wanted)
                values = yield self._writer.post(
                    (command,), lambda replies: checked(self._url, replies[0])
                )
                blobs = dict(zip(wanted, values, strict=True))
            return [decode.record(run_id, entry, blobs) for entry in found]

        return Later(procedure)

    def _entries(self, run_id: str, replies: list[Any]) -> list[Any]:
        written = checked(self._url, replies[0])
        if written is not None:
            version = decode.number(run_id, {b"format": written}, b"format")
            if version > FORMAT:
                decode.too_new(run_id, version)
        found: list[Any] = checked(self._url, replies[1])
        return found

    def header(self, run_id: str) -> Ticket[Header | None]:
        return self._writer.post(
            (decode.TIME, *decode.header_commands(self._keys, run_id)),
            lambda replies: decode.stored_header(
                run_id, *(checked(self._url, reply) for reply in replies)
            ),
        )

    def headers(
        self, *, status: RunStatus | None = None, limit: int = 100
    ) -> Ticket[Sequence[Header]]:
        return self._index.newest(status, limit)

    def describe(self) -> Ticket[Mapping[str, Any]]:
        return self._writer.post(
            (("INFO",), ("CONFIG", "GET", "appendfsync")),
            lambda replies: described(self._url, replies),
        )

    def close(self) -> None:
        self._writer.close()

    # -------------------------------------------------------------------- helpers

    def _lives(self) -> tuple[int, int, int]:
        return (self._retention.events, self._retention.journal, self._retention.header)

    def _state_lives(self, run_id: str, status: RunStatus) -> list[Command]:
        """Have the state of a run's graph live as long as its journal will.

        It is in another slot, where no script reaches it: it is told, as the indexes are.
        """
        seconds = self._retention.journal if status.ended else 0
        keys = self._keys.state(run_id)
        return [("EXPIRE", key, seconds) if seconds else ("PERSIST", key) for key in keys]

    def _lane(self, lease: Lease) -> Appends:
        meta = self._keys.meta(lease.run_id)
        # Another thread may be as far, for the same lease.
        lane = self._lanes.setdefault(
            (lease.run_id, lease.fence),
            Appends(lease, self._scripts.append.sha, meta),
        )
        while len(self._lanes) > _LANES:
            self._lanes.popitem(last=False)
        return lane


def _flat(fields: Mapping[str, bytes]) -> list[bytes]:
    return [
        word for name, value in fields.items() for word in (decode.FIELD + name.encode(), value)
    ]
