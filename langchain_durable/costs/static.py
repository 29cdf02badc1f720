"""Prices from a table of one's own: a mapping, or a JSON or TOML file."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from langchain_durable.costs.litellm import is_litellm, litellm_rates
from langchain_durable.costs.price_book import Price, dollars
from langchain_durable.costs.rates import FALLBACKS, Rate, Rates
from langchain_durable.costs.spellings import model_spellings, provider_of
from langchain_durable.costs.tokens import Tokens
from langchain_durable.errors import ConfigurationError

_PER_CALL = "per_call"
_FIELDS = ", ".join((*FALLBACKS, _PER_CALL))


class StaticPrices:
    """A price book that is a table: USD a million tokens, by model.

    ``table`` is a mapping, or the path of a JSON or TOML file with one. Its keys are
    ``"provider/model"`` or ``"model"``, the former goes first; providers and models may be in
    any spelling and case. Its values are mappings with ``input``, ``output`` and, where they
    have prices of their own, ``cache_read``, ``cache_write``, ``cache_write_5m``,
    ``cache_write_1h``, ``input_audio``, ``cache_audio_read``, ``reasoning``,
    ``output_audio``; ``per_call`` is a fee in USD for each call::

        {"openai/gpt-4o": {"input": 2.5, "cache_read": 1.25, "output": 10}}

    LiteLLM's ``model_prices_and_context_window.json`` is recognised.
    Raises ``ConfigurationError`` for a table that is none of these.
    """

    def __init__(self, table: Mapping[str, Any] | str | os.PathLike[str]) -> None:
        where = "The price table" if isinstance(table, Mapping) else f"The price table {table}"
        content = table if isinstance(table, Mapping) else _read(Path(table), where)
        self._rates: dict[str, Rates] = {}
        self._tiers: dict[tuple[str, str], Rates] = {}
        if is_litellm(content):
            self._fill_from_litellm(content, where)
        else:
            for name, prices in content.items():
                self._rates[_key(name, where)] = _rates(prices, f"{where}, {name!r},")
        if not self._rates:
            raise ConfigurationError(
                f"{where} has no price.",
                expected='models, such as {"openai/gpt-4o": {"input": 2.5, "output": 10}}',
                came="an empty table",
                do="fill it, or leave it out",
            )
        self._book = f"static {_digest(content)}"

    def price(self, tokens: Tokens, *, provider: str, model: str, at: datetime) -> Price | None:
        """What the tokens cost; None for a model that the table does not have."""
        name = provider_of(provider)
        for spelling in model_spellings(model, name):
            for key in (f"{name}/{spelling}", _key(spelling)):
                rates = self._tiers.get((key, tokens.tier)) or self._rates.get(key)
                if rates is not None:
                    return rates.price(tokens, self._book)
        return None

    def _fill_from_litellm(self, content: Mapping[str, Any], where: str) -> None:
        for name, entry in content.items():
            if not isinstance(entry, Mapping):
                continue
            key = _key(name, where)
            for tier, rates in litellm_rates(entry, f"{where}, {name!r},").items():
                if tier:
                    self._tiers[key, tier] = rates
                else:
                    self._rates[key] = rates


def _key(name: Any, where: str = "") -> str:
    """A table's key in one spelling: lower case, the provider by its one name."""
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(
            f"{where} has a key that names no model.",
            expected='"provider/model" or "model"',
            came=repr(name)[:60],
            do="name the model as the provider does",
        )
    name = name.strip().lower()
    provider, slash, model = name.partition("/")
    return f"{provider_of(provider)}/{model}" if slash else name


def _rates(prices: Any, where: str) -> Rates:
    if not isinstance(prices, Mapping) or not {"input", "output", _PER_CALL} & prices.keys():
        raise ConfigurationError(
            f"{where} is no set of prices.",
            expected=f"a mapping with some of {_FIELDS}",
            came=repr(prices)[:80],
            do='write {"input": 2.5, "output": 10}, in USD a million tokens',
        )
    amounts = {str(field): _amount(field, value, where) for field, value in prices.items()}
    per_call = amounts.pop(_PER_CALL, Decimal(0))
    return Rates.of({kind: Rate(amount) for kind, amount in amounts.items()}, per_call)


def _amount(field: Any, value: Any, where: str) -> Decimal:
    if field not in FALLBACKS and field != _PER_CALL:
        raise ConfigurationError(
            f"{where} has an unknown field.",
            expected=f"some of {_FIELDS}",
            came=repr(field)[:60],
            do="correct the field's name, or leave it out",
        )
    amount = None if isinstance(value, str) else dollars(value)
    if amount is None:
        raise ConfigurationError(
            f"{where} has no price in {field!r}.",
            expected="USD as a number, 0 or more",
            came=repr(value)[:60],
            do="leave the field out if it has no price of its own",
        )
    return amount


def _read(path: Path, where: str) -> Mapping[str, Any]:
    try:
        text = path.read_text("utf-8")
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text, parse_float=Decimal)
        content = json.loads(text, parse_float=Decimal)
    except (OSError, ValueError, ArithmeticError, RecursionError) as exc:
        raise ConfigurationError(
            f"{where} cannot be read.",
            expected="a JSON file, or a TOML file whose name ends in .toml",
            came=str(exc),
            do="check the path and the file",
        ) from exc
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{where} is no table.",
            expected="an object with models as its keys",
            came=f"a {type(content).__name__}",
            do='write {"gpt-5-mini": {"input": 0.25, "output": 2}}',
        )
    return content


def _digest(content: Mapping[str, Any]) -> str:
    """The same for the same table, so that a price says by which one it was made."""
    text = json.dumps(_plain(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
