"""A call's price in the journal, and on its span: settled once, and the same on both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_durable import semconv
from langchain_durable.events import COST as COST
from langchain_durable.events import Entry, StepEnded
from langchain_durable.spans.start import Attributes

BOOK, SOURCE, ESTIMATED, UNPRICED = "book", "source", "estimated", "unpriced"
"""Keys in the attributes of a step's end, beside ``COST``: the version of the table that priced it,
who says so if not the table, whether tokens were estimated; or why there is no price."""

LOCAL = "local"


def first_books(entries: Iterable[Entry]) -> dict[int, str]:
    """By attempt, the book that priced its first call: only that call's entry names it."""
    books: dict[int, str] = {}
    for entry in entries:
        if isinstance(entry.event, StepEnded) and BOOK in entry.event.attributes:
            books.setdefault(entry.attempt, str(entry.event.attributes[BOOK]))
    return books


def told_cost(attributes: Mapping[str, Any], *, book: str = "") -> Attributes:
    """What a step's span says of its price, from the attributes of its journal entry.

    ``book`` is the one of :func:`first_books`, for an entry that names none.
    """
    cost = attributes.get(COST)
    if cost is None:
        return {}
    told: Attributes = {
        semconv.COST_AMOUNT: float(cost),
        semconv.COST_CURRENCY: semconv.USD,
        semconv.COST_SOURCE: str(attributes.get(SOURCE, LOCAL)),
    }
    book = str(attributes.get(BOOK) or book)
    if book:
        told[semconv.COST_BOOK] = book
    if attributes.get(ESTIMATED):
        told[semconv.COST_ESTIMATED] = True
    return told
