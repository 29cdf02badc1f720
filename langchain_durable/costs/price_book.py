"""What a call costs, and what a price table must be able to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Literal, Protocol

from langchain_durable.costs.tokens import Tokens
from langchain_durable.errors import ConfigurationError

EXACT = Context(prec=120)
"""Sums and products in it are exact, whatever the program has set for its own decimals."""

_NOTHING, _MOST = Decimal(0), Decimal(1_000_000_000)
_FINEST = -60


@dataclass(frozen=True, slots=True)
class Price:
    """What one call costs, in USD.

    ``input`` and ``output`` are what its tokens cost; ``amount`` may hold a fee for the call
    beside them. They are 0 where the provider has given the total alone. ``book`` is the
    version of the table that priced it, ``source`` who said so.
    Raises ``ConfigurationError`` for an amount that is no finite Decimal of 0 or more.
    """

    amount: Decimal
    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    book: str = ""
    source: Literal["local", "provider"] = "local"

    def __post_init__(self) -> None:
        if _is_amount(self.amount) and _is_amount(self.input) and _is_amount(self.output):
            return
        raise ConfigurationError(
            "A price is not made of amounts of money.",
            expected="finite Decimals of USD, 0 or more",
            came=f"{self.amount!r}, {self.input!r}, {self.output!r}"[:120],
            do="return None for a model whose price is not known",
        )


class PriceBook(Protocol):
    """A price table. It is asked once a call, from any thread, and must not do I/O."""

    def price(self, tokens: Tokens, *, provider: str, model: str, at: datetime) -> Price | None:
        """What these tokens cost at this time; None if the model is not known.

        ``provider`` is as the instrumentation names it (``openai``, ``aws.bedrock``), or empty.
        """


PriceFunction = Callable[..., Price | None]
"""A callable with the parameters of :meth:`PriceBook.price`."""


def dollars(value: Any) -> Decimal | None:
    """An amount of USD as a Decimal: from a Decimal, int, float or text; None if it is none.

    Amounts below 0 or above a billion, and ones with more than 60 decimals, are none.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        return None
    try:
        amount = value if type(value) is Decimal else Decimal(str(value)[:100])
    except (ArithmeticError, ValueError):  # the latter for an int of thousands of digits
        return None
    if not _is_amount(amount):
        return None
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and exponent >= _FINEST else None


def _is_amount(value: Any) -> bool:
    try:
        return type(value) is Decimal and _NOTHING <= value <= _MOST
    except InvalidOperation:  # not a number
        return False
