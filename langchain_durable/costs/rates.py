"""Prices a million tokens, by kind, and what a call costs at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from langchain_durable.costs.price_book import EXACT, Price
from langchain_durable.costs.tokens import Tokens

_ZERO = Decimal(0)

FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "input": (),
    "cache_read": ("input",),
    "cache_write": ("input",),
    "cache_write_5m": ("cache_write", "input"),
    "cache_write_1h": ("cache_write", "input"),
    "input_audio": ("input",),
    "cache_audio_read": ("cache_read", "input_audio", "input"),
    "output": (),
    "reasoning": ("output",),
    "output_audio": ("output",),
}
"""The kinds of tokens, and whose price stands in where a kind has none of its own."""


@dataclass(frozen=True, slots=True)
class Rate:
    """USD a million tokens. Of ``tiers`` (bound, price), in rising order, the last one whose
    bound the call's input tokens exceed is the price of all its tokens."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Rates:
    """One model's prices, as whole numbers of ``unit`` USD: exact, and fast to sum.

    ``by_kind`` has what a token costs, and the tiers of that price; ``per_call`` is a fee.
    """

    by_kind: Mapping[str, tuple[int, tuple[tuple[int, int], ...]]]
    per_call: int
    unit: Decimal

    @classmethod
    def of(cls, given: Mapping[str, Rate], per_call: Decimal = _ZERO) -> Rates:
        """The rates of all kinds, from those that a table gives; ``per_call`` in USD."""
        prices = [per_call]
        for rate in given.values():
            prices += [rate.base, *(price for _, price in rate.tiers)]
        decimals = 6 + max(0, *(_decimals(price) for price in prices))

        def whole(price: Decimal, shift: int) -> int:
            return int(EXACT.scaleb(price, shift))

        by_kind = {}
        for kind, others in FALLBACKS.items():
            found = next((given[name] for name in (kind, *others) if name in given), None)
            if found is not None:
                tiers = tuple((bound, whole(price, decimals - 6)) for bound, price in found.tiers)
                by_kind[kind] = whole(found.base, decimals - 6), tiers
        return cls(by_kind, whole(per_call, decimals), Decimal((0, (1,), -decimals)))

    def price(self, tokens: Tokens, book: str) -> Price | None:
        """What the tokens cost; None if there are some of a kind that has no price."""
        given = self._charge(_input_parts(tokens), tokens.input)
        received = self._charge(_output_parts(tokens), tokens.input)
        if given is None or received is None:
            return None
        amount = self._dollars(given + received + self.per_call)
        return Price(amount, self._dollars(given), self._dollars(received), book)

    def _charge(self, parts: tuple[tuple[str, int], ...], input_tokens: int) -> int | None:
        total = 0
        for kind, count in parts:
            if count:
                rate = self.by_kind.get(kind)
                if rate is None:
                    return None
                price, tiers = rate
                for bound, above in tiers:
                    if input_tokens > bound:
                        price = above
                total += price * count
        return total

    def _dollars(self, whole: int) -> Decimal:
        return EXACT.multiply(whole, self.unit)


def _decimals(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _input_parts(tokens: Tokens) -> tuple[tuple[str, int], ...]:
    """The input by kind, each token once.

    Nobody reports how many cached tokens are audio: as few as the totals allow.
    """
    read, written = tokens.cache_read, tokens.cache_write
    both = max(0, read + written + tokens.input_audio - tokens.input)
    audio = tokens.input_audio - both
    cached_audio = min(both, read)
    return (
        ("input", tokens.input - read - written - audio),
        ("cache_read", read - cached_audio),
        ("cache_audio_read", cached_audio),
        ("cache_write", written - tokens.cache_write_5m - tokens.cache_write_1h),
        ("cache_write_5m", tokens.cache_write_5m),
        ("cache_write_1h", tokens.cache_write_1h),
        ("input_audio", audio),
    )


def _output_parts(tokens: Tokens) -> tuple[tuple[str, int], ...]:
    both = max(0, tokens.reasoning + tokens.output_audio - tokens.output)
    audio = tokens.output_audio - both
    return (
        ("output", tokens.output - tokens.reasoning - audio),
        ("reasoning", tokens.reasoning),
        ("output_audio", audio),
    )
