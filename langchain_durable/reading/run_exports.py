"""Sending a run's spans again; the SDK is imported when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_durable.connecting.connector import Connector
from langchain_durable.waiting import adrive, drive

if TYPE_CHECKING:  # with the SDK
    from langchain_durable.reading.exporting import Target


class Exporting:
    """The part of the handle that sends the spans of past runs."""

    connector: Connector

    def export(self, run_id: str, to: Target | None = None) -> int:
        """Send a run's spans again, from its journal; gives their number.

        ``to``: the provider whose processors get them (the global one, if none is given), or an
        exporter. Spans that a backend has already have the same ids as before, but not what
        the program has put on them itself, and of captured content only tools' arguments and what
        steps answered, and nothing of agents: most backends replace theirs. Raises ``RunNotFound``,
        ``RunExpired``, ``ExportFailed``, and ``ConfigurationError`` if there is nobody to send to.
        """
        from langchain_durable.reading.exporting import exported

        return len(drive(exported(self.connector, run_id, to)))

    async def aexport(self, run_id: str, to: Target | None = None) -> int:
        """As :meth:`export`, on an event loop."""
        from langchain_durable.reading.exporting import exported

        return len(await adrive(exported(self.connector, run_id, to)))
