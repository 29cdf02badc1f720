import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from langchain_durable.costs import StaticPrices, Tokens
from langchain_durable.errors import ConfigurationError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MILLION = Decimal(1_000_000)
TABLE = {
    "openai/gpt-4o": {"input": 2.5, "cache_read": 1.25, "output": 10},
    "google/gemini-9": {"input": 1, "output": 2},
    "my-model": {"input": 0.1, "output": 0, "per_call": 0.01},
}


def amount(book: StaticPrices, tokens: Tokens, provider: str, model: str) -> Decimal | None:
    price = book.price(tokens, provider=provider, model=model, at=NOW)
    return price.amount if price is not None else None


def test_a_mapping_prices_by_the_million() -> None:
    # 600 * 2.5 + 400 * 1.25 + 100 * 10 = 3000 millionths
    book = StaticPrices(TABLE)
    tokens = Tokens(1000, 100, cache_read=400)
    assert amount(book, tokens, "openai", "gpt-4o") == Decimal(3000) / MILLION


def test_a_kind_without_a_price_of_its_own_costs_what_its_whole_does() -> None:
    # 1000 * 2.5 + 100 * 10
    tokens = Tokens(1000, 100, cache_write=400, cache_write_1h=400, reasoning=50, input_audio=9)
    assert amount(StaticPrices(TABLE), tokens, "openai", "gpt-4o") == Decimal(3500) / MILLION


def test_the_provider_may_be_spelled_in_any_way() -> None:
    book = StaticPrices(TABLE)
    expected = Decimal(1000 + 200) / MILLION
    assert amount(book, Tokens(1000, 100), "gcp.gemini", "models/Gemini-9") == expected
    assert amount(book, Tokens(1000, 100), "google_genai", "google/gemini-9") == expected
    assert amount(book, Tokens(1000, 100), "anthropic", "gemini-9") is None


def test_a_model_without_a_provider_is_that_of_any_and_may_have_a_fee() -> None:
    expected = Decimal(100) / MILLION + Decimal("0.01")
    assert amount(StaticPrices(TABLE), Tokens(1000, 100), "ollama", "my-model") == expected
    assert amount(StaticPrices(TABLE), Tokens(1000, 100), "", "other") is None


def test_the_provider_s_own_entry_goes_first() -> None:
    book = StaticPrices({"m": {"input": 1}, "groq/m": {"input": 2}})
    assert amount(book, Tokens(1_000_000), "groq", "m") == 2
    assert amount(book, Tokens(1_000_000), "openai", "m") == 1


def test_a_json_file_and_a_toml_file_are_read_exactly(tmp_path: Path) -> None:
    as_json = tmp_path / "prices.json"
    as_json.write_text('{"m": {"input": 0.1, "output": 0.30000000000000004}}')
    as_toml = tmp_path / "prices.toml"
    as_toml.write_text('["m"]\ninput = 0.1\noutput = 0.30000000000000004\n')
    for path in (as_json, str(as_toml)):
        book = StaticPrices(path)
        assert amount(book, Tokens(0, 1_000_000), "", "m") == Decimal("0.30000000000000004")


def test_the_book_s_name_follows_the_table_s_content() -> None:
    def name(table: dict[str, Any]) -> str:
        price = StaticPrices(table).price(Tokens(1), provider="", model="m", at=NOW)
        assert price is not None
        return price.book

    one = {"m": {"input": 1, "output": 2}}
    assert name(one) == name({"m": {"output": 2, "input": 1}})
    assert name(one) != name({"m": {"input": 1, "output": 3}})
    assert name(one).startswith("static ")


LITELLM = {
    "sample_spec": {"input_cost_per_token": 0.0, "max_tokens": "LEGACY parameter"},
    "gpt-4o": {
        "input_cost_per_token": 2.5e-06,
        "input_cost_per_token_priority": 4.25e-06,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_priority": 1.7e-05,
        "cache_read_input_token_cost": 1.25e-06,
        "litellm_provider": "openai",
        "supports_vision": True,
    },
    "vertex_ai/gemini-9-pro": {
        "input_cost_per_token": 1.25e-06,
        "input_cost_per_token_above_200k_tokens": 2.5e-06,
        "output_cost_per_token": 1e-05,
        "output_cost_per_token_above_200k_tokens": 1.5e-05,
        "cache_creation_input_token_cost_above_1hr": 6e-06,
        "output_cost_per_reasoning_token": None,
    },
    "dall-e-3": {"input_cost_per_pixel": 1e-08, "mode": "image_generation"},
}


def test_litellm_s_table_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "model_prices_and_context_window.json"
    path.write_text(json.dumps(LITELLM))
    book = StaticPrices(path)
    tokens = Tokens(1000, 100, cache_read=400)
    # 600 * 2.5 + 400 * 1.25 + 100 * 10 = 3000
    assert amount(book, tokens, "openai", "gpt-4o") == Decimal(3000) / MILLION
    # priority: 600 * 4.25 + 400 * 1.25 + 100 * 17 = 4750
    fast = Tokens(1000, 100, cache_read=400, tier="priority")
    assert amount(book, fast, "openai", "gpt-4o") == Decimal(4750) / MILLION
    # flex has no prices here: the standard ones
    flex = Tokens(1000, 100, cache_read=400, tier="flex")
    assert amount(book, flex, "openai", "gpt-4o") == Decimal(3000) / MILLION
    assert amount(book, Tokens(1), "openai", "dall-e-3") is None


def test_litellm_s_long_prompts_cost_more() -> None:
    book = StaticPrices(LITELLM)
    # 300 000 * 2.5 + 10 * 15 = 750 150; 100 written for an hour: 900 * 1.25 + 100 * 6 = 1725
    assert (
        amount(book, Tokens(300_000, 10), "google_genai", "gemini-9-pro")
        == Decimal(750_150) / MILLION
    )
    written = Tokens(1000, cache_write=100, cache_write_1h=100)
    assert amount(book, written, "google_vertexai", "gemini-9-pro") == Decimal(1725) / MILLION


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "an empty table"),
        ({"m": 3}, "no set of prices"),
        ({"m": {}}, "no set of prices"),
        ({"m": {"input": -1}}, "no price in 'input'"),
        ({"m": {"input": True}}, "no price in 'input'"),
        ({"m": {"input": "2.5"}}, "no price in 'input'"),
        ({"m": {"input": float("nan")}}, "no price in 'input'"),
        ({"m": {"input": 1, "ouput": 2}}, "unknown field"),
        ({"": {"input": 1}}, "names no model"),
        ({3: {"input": 1}}, "names no model"),
        ({"m": {"input_cost_per_token": "free"}}, "no price in 'input_cost_per_token'"),
        ({"m": {"input_cost_per_token": -1.0}}, "no price in 'input_cost_per_token'"),
    ],
)
def test_a_bad_table_is_refused_when_it_is_opened(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as raised:
        StaticPrices(table)
    assert raised.value.expected
    assert raised.value.came


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b"\xff\xfe\x00"),
        ("a.json", b"[1]"),
        ("a.json", b'{"m": {"input": NaN}}'),
        ("a.json", b'{"m": {"input": 1e999999999}}'),
        ("a.json", b'{"m": {"input": ' + b"1" * 5000 + b"}}"),
        ("a.json", b"[" * 100_000),
        ("a.toml", b"= 1"),
        ("a.json", None),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=name):
        StaticPrices(path)
