"""One snapshot of the ``genai-prices`` package's table, looked up by any spelling, and fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from langchain_durable.costs.price_book import Price
from langchain_durable.costs.rates import Rate, Rates
from langchain_durable.costs.spellings import LOCAL, model_spellings, provider_of
from langchain_durable.costs.tokens import Tokens
from langchain_durable.remembered import Remembered

if TYPE_CHECKING:  # the package takes 0.4 s to import
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, Provider

_KINDS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "cache_audio_read_mtok": "cache_audio_read",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "output_audio",
}
_PER_THOUSAND_CALLS = "requests_kcount"
_CLOSED = frozenset({"anthropic", "google", "x-ai"})
"""Whose models have one price list, wherever an OpenAI-compatible gateway sends them."""
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A model in the package's table; None for one that is not there."""

    model: ModelInfo | None = None
    tiers: bool = False
    """There are prices for service tiers."""
    daily: bool = False
    """Its prices change from one day to another, but not in the course of one."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Rates, and what they were made of: kept alive, so that its id stays its own."""

    source: object
    rates: Rates | None


class GenaiTable:
    """Prices calls by one snapshot. Safe from many threads."""

    def __init__(self, snapshot: DataSnapshot, release: str) -> None:
        self.snapshot = snapshot
        self.book = f"genai-prices {release}"
        if snapshot.from_auto_update:
            self.book += f" {snapshot.timestamp:%Y-%m-%dT%H:%M}"
        self._models: Remembered[_Known] = Remembered(_MOST, _MOST * 1_000)
        self._rates: Remembered[_Kept] = Remembered(_MOST, _MOST)

    def price(self, tokens: Tokens, *, provider: str, model: str, at: datetime) -> Price | None:
        """What the tokens cost at this time; None for a model without a price for tokens."""
        key = (provider, model)
        known = self._models.get(key)
        if known is None:
            known = _look_up(self.snapshot, provider, model)
            self._models.put(key, known, len(provider) + len(model))
        rates = self._rates_of(known, tokens.tier, at)
        return rates.price(tokens, self.book) if rates is not None else None

    def _rates_of(self, known: _Known, tier: str, at: datetime) -> Rates | None:
        model = known.model
        if model is None:
            return None
        if not (tier and known.tiers):
            prices = model.get_prices(at)
            return self._kept((id(prices), "", 0), prices, lambda: prices)
        context = {"processing" if tier == "batch" else "service_tier": tier}
        if not known.daily:
            return _rates(model.get_prices(at, context))
        day = (at.astimezone(UTC) if at.tzinfo else at).toordinal()
        return self._kept((id(model), tier, day), model, lambda: model.get_prices(at, context))

    def _kept(
        self, key: tuple[int, str, int], source: object, prices: Callable[[], ModelPrice]
    ) -> Rates | None:
        found = self._rates.get(key)
        if found is None:
            found = _Kept(source, _rates(prices()))
            self._rates.put(key, found, 0)
        return found.rates


def _look_up(snapshot: DataSnapshot, provider: str, model: str) -> _Known:
    name = provider_of(provider)
    if name in LOCAL:
        return _Known()
    for spelling in model_spellings(model, name):
        found = _find(snapshot, spelling, name)
        if found is not None:
            owner, info = found
            return _Known(
                info,
                # A provider's tiers do not hold for the models it resells.
                tiers=bool(info.price_variants) and any(info is one for one in owner.models),
                daily=_is_daily(info),
            )
    return _Known()


def _is_daily(model: ModelInfo) -> bool:
    prices = model.prices if isinstance(model.prices, list) else []
    constraints = [one.constraint for one in (*prices, *(model.price_variants or ()))]
    return all(one is None or hasattr(one, "start_date") for one in constraints)


def _find(snapshot: DataSnapshot, model: str, provider: str) -> tuple[Provider, ModelInfo] | None:
    if not model:
        return None
    if provider:
        try:
            return snapshot.find_provider_model(model, None, provider, None)
        except LookupError:
            pass
        if provider != "openai" and _knows(snapshot, provider):
            return None  # what another provider takes for the model says nothing
    try:
        found = snapshot.find_provider_model(model, None, None, None)
    except LookupError:
        return None
    return found if provider != "openai" or found[0].id in _CLOSED else None


def _knows(snapshot: DataSnapshot, provider: str) -> bool:
    try:
        snapshot.find_provider(None, provider, None)
    except LookupError:
        return False
    return True


def _rates(prices: ModelPrice) -> Rates | None:
    """The package's price list as rates; None where it has no price for tokens.

    Each token pays the price of the narrowest unit that has one, and a tier's price holds for
    all tokens of a call: so the package reckons, and so do rates. Units that no ``Tokens``
    counts (images, searches, seconds) are 0 for the package too.
    """
    given: dict[str, Rate] = {}
    for key, value in vars(prices).items():
        kind = _KINDS.get(key)
        if kind is not None and value is not None:
            given[kind] = _rate(value)
    if not given:
        return None
    fee = getattr(prices, _PER_THOUSAND_CALLS, None)
    return Rates.of(given, fee.scaleb(-3) if isinstance(fee, Decimal) else Decimal(0))


def _rate(value: Any) -> Rate:
    if isinstance(value, Decimal):
        return Rate(value)
    return Rate(value.base, tuple((tier.start, tier.price) for tier in value.tiers))
