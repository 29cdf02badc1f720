"""The one place where a call is given its price."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from langchain_durable.costs.genai_prices import GenaiPrices
from langchain_durable.costs.once import Once
from langchain_durable.costs.price_book import Price, PriceBook, PriceFunction, dollars
from langchain_durable.costs.static import StaticPrices
from langchain_durable.costs.tokens import Tokens
from langchain_durable.errors import ConfigurationError

once = Once(logging.getLogger(__name__))

Unpriced = Literal["unknown_model", "no_usage", "book_failed", "bad_usage"]
"""Why a call has no price."""

_CACHED = Price(Decimal(0), book="cache")


@dataclass(frozen=True, slots=True)
class Settled:
    """What a call costs, or why that is not known: one of the two is None.

    ``estimated``: the price stands on estimated tokens.
    """

    price: Price | None = None
    unpriced: Unpriced | None = None
    estimated: bool = False


_NO_USAGE = Settled(unpriced="no_usage")
_BAD_USAGE = Settled(unpriced="bad_usage")
_BOOK_FAILED = Settled(unpriced="book_failed")
_UNKNOWN = Settled(unpriced="unknown_model")


class Pricing:
    """Prices calls by one book: a price book, a callable, the path of a table or a table.

    Without a book, by the ``genai-prices`` package. Nothing that a book does stops a call: the
    first failure is logged as a warning, once in the process's life.
    Raises ``ConfigurationError`` for a book that is none of these, or a table that is bad.
    """

    def __init__(
        self,
        book: PriceBook | PriceFunction | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    ) -> None:
        self.book = GenaiPrices() if book is None else book
        self._price = _price_function(self.book)

    def warm(self) -> None:
        """Import the ``genai-prices`` package in the background, if it is what prices."""
        if isinstance(self.book, GenaiPrices):
            self.book.warm()

    def settle(
        self,
        *,
        tokens: Tokens | None,
        provider: str,
        model: str,
        response_model: str = "",
        at: datetime,
        cache_hit: bool = False,
        provider_cost: Decimal | float | None = None,
    ) -> Settled:
        """What one call costs. Never raises, and an unknown price is never 0.

        An answer from a cache of answers costs 0 (``cache_hit``). What the provider says
        that the call costs comes next (``provider_cost``, USD). Then the book's price at the
        time ``at`` of the model that answered, or else of the one that was asked for.
        """
        if cache_hit:
            return Settled(_CACHED)
        reported = dollars(provider_cost) if provider_cost is not None else None
        if reported is not None:
            return Settled(Price(reported, source="provider"))
        if tokens is None:
            return _NO_USAGE
        if tokens.refused or tokens.clamped:
            once.warn(
                "usage",
                "A model's usage makes no sense: %s. Further ones are not reported.",
                tokens.refused or "; ".join(tokens.clamped),
            )
        if not tokens:
            return _BAD_USAGE if tokens.refused else _NO_USAGE
        try:
            return self._ask(tokens, provider, (response_model, model), at)
        except Exception as exc:
            once.warn(
                "book",
                "The price book failed, and calls go unpriced: %r. Further failures are not "
                "reported.",
                exc,
                exc_info=True,
            )
            return _BOOK_FAILED

    def _ask(self, tokens: Tokens, provider: str, models: tuple[str, str], at: datetime) -> Settled:
        for model in models:
            if not model:
                continue
            price = self._price(tokens, provider=provider, model=model, at=at)
            if isinstance(price, Price):
                return Settled(price, estimated=tokens.estimated)
            if price is not None:
                raise TypeError(f"a Price or None was expected, {type(price).__name__} came")
        return _UNKNOWN


def _price_function(book: Any) -> PriceFunction:
    if isinstance(book, str | os.PathLike | Mapping):
        return StaticPrices(book).price
    method = getattr(book, "price", book)
    if not callable(method) or isinstance(book, type):
        raise ConfigurationError(
            "The price book cannot be asked for a price.",
            expected="a PriceBook, a callable, the path of a table, or a table",
            came=repr(book)[:80],
            do="leave it out for the prices of genai-prices",
        )
    function: PriceFunction = method
    return function
