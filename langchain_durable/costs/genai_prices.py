"""Prices from the ``genai-prices`` package, which knows providers, tiers and price changes."""

from __future__ import annotations

import contextlib
import logging  # noqa: F401  # its hook must be older than ours, and so come after it
import os
import threading
import weakref
from datetime import datetime
from types import ModuleType

from langchain_durable.costs.genai_table import GenaiTable
from langchain_durable.costs.price_book import Price
from langchain_durable.costs.tokens import Tokens
from langchain_durable.errors import MissingExtra

_warming: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
_PATIENCE = 5.0


def _before_fork() -> None:
    # A child would have the import's lock for ever, and nobody who goes on with it.
    for thread in list(_warming):
        if thread is not threading.current_thread():
            thread.join(_PATIENCE)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork)


class GenaiPrices:
    """The default price book. Needs the extra ``costs``: ``MissingExtra`` at the first price.

    The prices are those of the package's installed release, or of the snapshot that the
    program set or keeps up to date (``genai_prices.UpdatePrices``). Nothing is fetched by us.
    Searches, images and seconds of sound, which no usage counts, are not in a price.
    """

    def __init__(self) -> None:
        self._package: ModuleType | None = None
        self._missing: MissingExtra | None = None
        self._table: GenaiTable | None = None

    def warm(self) -> threading.Thread:
        """Import the package on a background thread, so that the first price need not wait.

        It takes about half a second of CPU. A fork or an exit meanwhile waits for it.
        """
        # No daemon: one that dies while it imports leaves a lock to whatever the interpreter
        # imports after it, such as for a warning, and the process hangs in its exit.
        thread = threading.Thread(target=self._warm, name="langchain-durable-prices", daemon=False)
        with contextlib.suppress(RuntimeError):  # the system has none left: the first price waits
            thread.start()
            _warming.add(thread)
        return thread

    def price(self, tokens: Tokens, *, provider: str, model: str, at: datetime) -> Price | None:
        """What the tokens cost at this time (a naive one is UTC); None for an unknown model."""
        return self._current().price(tokens, provider=provider, model=model, at=at)

    def _warm(self) -> None:
        with contextlib.suppress(MissingExtra):  # said to the one who asks for a price
            self._current()

    def _current(self) -> GenaiTable:
        """The package's table in force; what was remembered of another one is forgotten."""
        package = self._package or self._import()
        snapshot = package.data_snapshot.get_snapshot()
        table = self._table
        if table is None or table.snapshot is not snapshot:
            table = self._table = GenaiTable(snapshot, package.__version__)
        return table

    def _import(self) -> ModuleType:
        if self._missing is not None:
            raise self._missing
        try:
            import genai_prices
        except ImportError as exc:
            self._missing = MissingExtra(
                "Prices need a package that is not installed.",
                expected="genai-prices",
                came=str(exc),
                do="pip install 'langchain-durable[costs]', or give a price table of your own",
            )
            raise self._missing from exc
        self._package = genai_prices
        return genai_prices
