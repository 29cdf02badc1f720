import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from langchain_durable.costs import Price, Pricing, Settled, Tokens
from langchain_durable.costs.price_book import dollars
from langchain_durable.costs.pricing import once
from langchain_durable.errors import ConfigurationError

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOKENS = Tokens(1000, 100)
TABLE = {"openai/gpt-4o": {"input": 2.5, "output": 10}}


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> Iterator[None]:
    once.said.clear()
    yield
    once.said.clear()


def settle(pricing: Pricing, tokens: Tokens | None = TOKENS, **given: Any) -> Settled:
    return pricing.settle(
        **{"tokens": tokens, "provider": "openai", "model": "gpt-4o", "at": NOW, **given}
    )


class Flat:
    """A price book that a user might write."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def price(self, tokens: Tokens, *, provider: str, model: str, at: datetime) -> Price | None:
        self.asked.append(model)
        return Price(Decimal("0.5"), book="flat 1") if model == "known" else None


def test_by_default_calls_are_priced_by_genai_prices() -> None:
    # gpt-4o: 1000 * 2.5 + 100 * 10 = 3500
    price = settle(Pricing()).price
    assert price is not None
    assert price.amount == Decimal("0.0035")
    assert price.book.startswith("genai-prices ")


def test_warming_up_is_harmless_whatever_the_book() -> None:
    for pricing in (Pricing(), Pricing(TABLE), Pricing(Flat())):
        pricing.warm()
        assert settle(pricing, model="known", response_model="gpt-4o").price


def test_a_table_and_its_path_are_books(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('["openai/gpt-4o"]\ninput = 2.5\noutput = 10\n')
    for book in (TABLE, path, str(path)):
        price = settle(Pricing(book)).price
        assert price is not None
        assert price.amount == Decimal("0.0035")


def test_an_object_and_a_callable_are_books() -> None:
    for book in (Flat(), Flat().price):
        assert settle(Pricing(book), model="known").price == Price(Decimal("0.5"), book="flat 1")


def test_the_model_that_answered_goes_before_the_one_asked_for() -> None:
    book = Flat()
    assert settle(Pricing(book), model="known", response_model="other").price
    assert book.asked == ["other", "known"]


@pytest.mark.parametrize("given", [{"model": "gpt-6"}, {"model": ""}, {"provider": "ollama"}])
def test_an_unknown_model_has_no_price_and_a_reason(given: dict[str, Any]) -> None:
    assert settle(Pricing(), **given) == Settled(unpriced="unknown_model")


@pytest.mark.parametrize("tokens", [None, Tokens()])
def test_without_usage_there_is_no_price(tokens: Tokens | None) -> None:
    assert settle(Pricing(TABLE), tokens) == Settled(unpriced="no_usage")


def test_absurd_usage_is_not_priced_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    pricing = Pricing(TABLE)
    for _ in range(3):
        assert settle(pricing, Tokens(-5, 10)) == Settled(unpriced="bad_usage")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "input=-5" in caplog.text


def test_clamped_usage_is_priced_and_said(caplog: pytest.LogCaptureFixture) -> None:
    price = settle(Pricing(TABLE), Tokens(1000, 100, cache_read=2000)).price
    assert price is not None
    assert price.amount == Decimal("0.0035")
    assert "cache_read=2000 taken as 1000" in caplog.text


def test_an_answer_from_a_cache_costs_nothing() -> None:
    for tokens in (TOKENS, None):
        price = settle(Pricing(TABLE), tokens, cache_hit=True, provider_cost=3).price
        assert price is not None
        assert price.amount == 0


@pytest.mark.parametrize(
    ("reported", "amount"), [(0.25, "0.25"), (Decimal("1e-7"), "0.0000001"), (0, "0"), (3, "3")]
)
def test_what_the_provider_says_wins(reported: Any, amount: str) -> None:
    for tokens in (TOKENS, None):
        price = settle(Pricing(TABLE), tokens, provider_cost=reported).price
        assert price == Price(Decimal(amount), source="provider")


@pytest.mark.parametrize(
    "reported",
    [-1, float("nan"), float("inf"), True, 1e300, 10**5000, "x"],
    ids=["negative", "nan", "inf", "bool", "huge", "too long for str", "text"],
)
def test_nonsense_from_the_provider_is_passed_over(reported: Any) -> None:
    price = settle(Pricing(TABLE), provider_cost=reported).price
    assert price is not None
    assert (price.amount, price.source) == (Decimal("0.0035"), "local")


def test_a_price_on_estimated_tokens_says_so() -> None:
    settled = settle(Pricing(TABLE), Tokens(1000, 100, estimated=True))
    assert settled.estimated
    assert settled.price


@pytest.mark.parametrize(
    "book",
    [
        lambda tokens, **asked: 1 / 0,
        lambda tokens, **asked: 0.5,
        lambda tokens, **asked: Price(Decimal("NaN")),
        lambda tokens, **asked: Price(Decimal(-1)),
        lambda tokens, **asked: Price(0.5),  # type: ignore[arg-type]  # what a user may do
        lambda: None,
    ],
)
def test_a_book_that_fails_costs_one_warning_and_no_call(
    book: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for pricing in (Pricing(book), Pricing(book)):
        assert settle(pricing) == Settled(unpriced="book_failed")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "price book failed" in caplog.text


@pytest.mark.parametrize("book", [3, object(), Flat, b"prices.json"])
def test_what_is_no_book_is_refused(book: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be asked"):
        Pricing(book)


def test_a_bad_table_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Pricing(tmp_path / "missing.json")


def test_the_program_s_own_decimal_context_changes_no_price() -> None:
    from decimal import Inexact, localcontext

    expected = settle(Pricing())
    with localcontext() as context:
        context.prec = 1
        context.traps[Inexact] = True
        assert settle(Pricing()) == expected


@pytest.mark.parametrize(
    ("value", "amount"),
    [("0.5", "0.5"), (2, "2"), ("1e-70", None), ("1e10", None), ("", None), ("NaN", None)],
)
def test_money_is_read_within_bounds(value: Any, amount: str | None) -> None:
    assert dollars(value) == (Decimal(amount) if amount is not None else None)
