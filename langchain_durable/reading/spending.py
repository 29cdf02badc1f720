"""What runs cost: exact totals, added up from their journals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from langchain_durable.arguments import check, check_limit
from langchain_durable.codec import decode_entry
from langchain_durable.connecting.connector import Connector
from langchain_durable.costs import Ledger
from langchain_durable.events import Entry, RunStatus
from langchain_durable.journal import Header, HeaderField, Record
from langchain_durable.reading import queries
from langchain_durable.recorder.runtime import Runtime
from langchain_durable.waiting import Procedure, Ticket, adrive, drive

_TOGETHER = 16
_PAGE = 200
_NS = 10**9


@dataclass(slots=True)
class Spending:
    """What runs came to. ``runs`` were counted; of ``expired`` more only the header is left."""

    ledger: Ledger = field(default_factory=Ledger)
    runs: int = 0
    expired: int = 0


def spending(
    connector: Connector,
    *,
    status: RunStatus | str | None = None,
    limit: int = 1000,
    since: date | None = None,
) -> Procedure[Spending]:
    """Add up the newest runs, as :meth:`Costs.costs` does, and count them."""
    oldest = _nanoseconds(since)
    wanted, crashed = queries.run_status(status)
    check_limit(limit)
    runtime = yield from connector.connected()
    listed = yield from queries.listed(runtime, wanted, limit, crashed=crashed)
    headers = [header for header in listed if header.updated >= oldest]
    total = Spending()
    for first in range(0, len(headers), _TOGETHER):
        yield from _add(runtime, headers[first : first + _TOGETHER], total)
    return total


def _add(runtime: Runtime, headers: Sequence[Header], total: Spending) -> Procedure[None]:
    """Add some runs. Their first pages are asked for at once and share round trips."""
    alive = [header for header in headers if header.journal_alive]
    total.expired += len(headers) - len(alive)
    asked = [runtime.store.load(header.run_id, limit=_PAGE) for header in alive]
    for header, first in zip(alive, asked, strict=True):
        entries = yield from _entries(runtime, header.run_id, first)
        tenant = header.text(HeaderField.TENANT)
        total.ledger.add(entries, tenant=tenant, status=header.status, crashed=header.crashed)
        total.runs += 1


def _entries(
    runtime: Runtime, run_id: str, first: Ticket[Sequence[Record]]
) -> Procedure[list[Entry]]:
    """A run's entries, whose payloads are let go of page by page."""
    entries: list[Entry] = []
    page: Sequence[Record] = yield first
    while True:
        entries += (decode_entry(record._replace(payload=None)) for record in page)
        if len(page) < _PAGE:
            return entries
        page = yield runtime.store.load(run_id, after=page[-1].seq, limit=_PAGE)


class Costs:
    """The part of the handle that adds up what runs cost."""

    connector: Connector

    def costs(
        self,
        *,
        status: RunStatus | str | None = None,
        limit: int = 1000,
        since: date | None = None,
    ) -> Ledger:
        """What the runs last updated cost, from their journals: exact, and by model, tool, agent,
        tenant and day.

        ``limit``: at most so many runs, newest first. ``status``: only these; ``"crashed"`` as
        :meth:`runs` takes it. ``since``: only those updated at that moment or later; a date, or a
        datetime without a zone, is UTC.
        Runs whose journal has expired are not counted. Payloads are not decoded.
        """
        return drive(spending(self.connector, status=status, limit=limit, since=since)).ledger

    async def acosts(
        self,
        *,
        status: RunStatus | str | None = None,
        limit: int = 1000,
        since: date | None = None,
    ) -> Ledger:
        """As :meth:`costs`, on an event loop."""
        total = await adrive(spending(self.connector, status=status, limit=limit, since=since))
        return total.ledger


def _nanoseconds(since: date | None) -> int:
    if since is None:
        return 0
    check(
        isinstance(since, date),
        "since",
        since,
        expected="a date or a datetime",
        do="write since=date(2026, 5, 1)",
    )
    moment = since if isinstance(since, datetime) else datetime.combine(since, time())
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * _NS)
