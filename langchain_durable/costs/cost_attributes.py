"""What a span says of its call's price, ours and other instrumentors' alike."""

from __future__ import annotations

from opentelemetry.util.types import AttributeValue

from langchain_durable import semconv
from langchain_durable.costs.price_book import Price


def cost_attributes(price: Price, *, estimated: bool = False) -> dict[str, AttributeValue]:
    """The attributes to set on a span, while it is open, for a call that has this price."""
    attributes: dict[str, AttributeValue] = {
        semconv.COST_AMOUNT: float(price.amount),
        semconv.COST_CURRENCY: semconv.USD,
        semconv.COST_SOURCE: price.source,
    }
    if price.book:
        attributes[semconv.COST_BOOK] = price.book
    if estimated:
        attributes[semconv.COST_ESTIMATED] = True
    return attributes
