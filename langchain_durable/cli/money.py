"""Amounts of US dollars: short for people, exact text for programs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing LangChain takes a second, which --help need not wait for
    from langchain_durable.costs import Totals

_CENT = Decimal("0.01")
_LEAST = Decimal("0.0000001")
_NO_TABLE = "no price table (pip install 'langchain-durable[costs]')"


def usd(amount: Decimal) -> str:
    """An amount for people: ``$1,234.50``, ``$0.0123``, ``$0.000125`` (three digits)."""
    if amount >= 1:
        return f"${amount:,.2f}"
    if amount >= _CENT or not amount:
        return f"${amount:.4f}" if amount else "$0"
    if amount < _LEAST:
        return "<$0.0000001"
    return f"${amount:.{2 - amount.adjusted()}f}"


def call(amount: Decimal, *, estimated: bool) -> str:
    """What a call cost, for people; marked where its tokens were estimated."""
    return f"{usd(amount)} estimated" if estimated else usd(amount)


def total(totals: Totals) -> str:
    """What calls cost together, for people; of calls that all have no price nothing is known."""
    if totals.cost or not totals.unpriced:
        return usd(totals.cost)
    return f"not known: {_NO_TABLE}" if no_table(totals) else "not known"


def no_table(totals: Totals) -> bool:
    """Whether calls have no price for this reason alone: there was no price table."""
    return set(totals.unpriced) == {"no_price_table"}


def exact(amount: Decimal) -> str:
    """An amount for programs: all its digits, never with an exponent."""
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def cost_of(attributes: dict[str, Any]) -> Decimal | None:
    """The cost in the attributes of a step's end; None where there is none."""
    from langchain_durable.costs.price_book import dollars
    from langchain_durable.spans.priced import COST

    said = attributes.get(COST)
    return None if said is None else dollars(said)


def is_estimated(attributes: dict[str, Any]) -> bool:
    """Whether the cost in the attributes of a step's end stands on estimated tokens."""
    from langchain_durable.spans.priced import ESTIMATED

    return attributes.get(ESTIMATED) is True
