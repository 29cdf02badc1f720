"""LiteLLM's ``model_prices_and_context_window.json``: USD a token, with tiers in the names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from langchain_durable.costs.price_book import EXACT, dollars
from langchain_durable.costs.rates import Rate, Rates
from langchain_durable.errors import ConfigurationError

_KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "input_audio",
    "output_cost_per_audio_token": "output_audio",
    "output_cost_per_reasoning_token": "reasoning",
}
_TIERS = {"": "", "_priority": "priority", "_flex": "flex", "_batches": "batch"}
_FIELD = re.compile(
    rf"({'|'.join(sorted(_KINDS, key=len, reverse=True))})"
    r"(?:_above_(\d+)k_tokens)?(|_priority|_flex|_batches)"
)


def is_litellm(content: Mapping[str, Any]) -> bool:
    """Whether the table is one of LiteLLM's."""
    return any(
        isinstance(entry, Mapping) and "input_cost_per_token" in entry for entry in content.values()
    )


def litellm_rates(entry: Mapping[str, Any], where: str) -> dict[str, Rates]:
    """A model's rates by service tier (``""`` is the standard one); empty without token prices.

    A service tier that has no price of its own for a kind of tokens takes the standard one.
    Raises ``ConfigurationError`` for a price that is none.
    """
    bases: dict[str, dict[str, Decimal]] = {}
    bounds: dict[str, dict[str, list[tuple[int, Decimal]]]] = {}
    for field, value in entry.items():
        match = _FIELD.fullmatch(field)
        if match is None or value is None:
            continue
        name, thousands, suffix = match.groups()
        tier, kind, price = _TIERS[suffix], _KINDS[name], _per_million(field, value, where)
        if thousands:
            bounds.setdefault(tier, {}).setdefault(kind, []).append((int(thousands) * 1000, price))
        else:
            bases.setdefault(tier, {})[kind] = price
    standard = _rates(bases.get("", {}), bounds.get("", {}))
    if not standard:
        return {}
    return {
        tier: Rates.of({**standard, **_rates(found, bounds.get(tier, {}))})
        for tier, found in {"": {}, **bases}.items()
    }


def _rates(
    bases: Mapping[str, Decimal], bounds: Mapping[str, list[tuple[int, Decimal]]]
) -> dict[str, Rate]:
    return {kind: Rate(base, tuple(sorted(bounds.get(kind, ())))) for kind, base in bases.items()}


def _per_million(field: str, value: Any, where: str) -> Decimal:
    amount = None if isinstance(value, str) else dollars(value)
    if amount is None:
        raise ConfigurationError(
            f"{where} has no price in {field!r}.",
            expected="USD a token as a number, 0 or more",
            came=repr(value)[:60],
            do="take LiteLLM's file as it is, or mend the entry",
        )
    return EXACT.scaleb(amount, 6)
