"""Dollars, for people and for programs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from langchain_durable.cli.money import cost_of, exact, usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("1234.5", "$1,234.50"),
        ("0.01234", "$0.0123"),
        ("0.000125", "$0.000125"),
        ("0.0000001", "$0.000000100"),
        ("0.00000001", "<$0.0000001"),
    ],
)
def test_people_see_as_many_digits_as_say_something(amount: str, shown: str) -> None:
    assert usd(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "0"), ("1E+3", "1000"), ("0.10", "0.1"), ("1E-30", "0." + "0" * 29 + "1")],
)
def test_programs_get_all_digits_and_no_exponent(amount: str, shown: str) -> None:
    assert exact(Decimal(amount)) == shown


def test_a_cost_that_is_none_is_none() -> None:
    assert cost_of({}) is None
    assert cost_of({"cost": "free"}) is None
    assert cost_of({"cost": "0.5"}) == Decimal("0.5")
