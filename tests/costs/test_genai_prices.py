"""Against the genai-prices package: cases by hand, and all of its table."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseEquals,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_durable.costs import GenaiPrices, Tokens
from langchain_durable.costs.genai_table import GenaiTable, _rates
from langchain_durable.costs.tokens import COUNTS
from langchain_durable.errors import MissingExtra

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BOOK = GenaiPrices()
MILLION = Decimal(1_000_000)

MODELS = [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def amount(tokens: Tokens, provider: str, model: str, at: datetime = NOW) -> Decimal | None:
    price = BOOK.price(tokens, provider=provider, model=model, at=at)
    return price.amount if price is not None else None


def test_openai_with_cached_and_reasoning_tokens() -> None:
    # gpt-4o-mini: 0.15 input, 0.075 cached, 0.60 output, USD a million. Reasoning is output.
    # 600 * 0.15 = 90; 400 * 0.075 = 30; 200 * 0.60 = 120; together 240 millionths
    tokens = Tokens(1000, 200, cache_read=400, reasoning=150)
    price = BOOK.price(tokens, provider="openai", model="gpt-4o-mini-2024-07-18", at=NOW)
    assert price is not None
    assert (price.amount, price.input, price.output) == (
        Decimal(240) / MILLION,
        Decimal(120) / MILLION,
        Decimal(120) / MILLION,
    )
    assert price.book == f"genai-prices {genai_prices.__version__}"
    assert price.source == "local"


def test_anthropic_with_cache_writes_for_five_minutes_and_an_hour() -> None:
    # Sonnet 4.5: 3 input, 0.30 cache read, 3.75 write (5 min), 6 write (1 h), 15 output.
    # 1000 in: 200 read * 0.3 = 60; 300 written for 5 min * 3.75 = 1125;
    # 100 for 1 h * 6 = 600; the other 400 * 3 = 1200; 50 out * 15 = 750; together 3735
    tokens = Tokens(
        1000, 50, cache_read=200, cache_write=400, cache_write_5m=300, cache_write_1h=100
    )
    expected = Decimal(3735) / MILLION
    assert amount(tokens, "anthropic", "claude-sonnet-4-5-20250929") == expected


def test_a_long_prompt_puts_all_tokens_into_the_higher_tier() -> None:
    # gemini-2.5-pro above 200 000: 2.50 input, 15 output. 300 000 * 2.5 + 1000 * 15 = 765 000
    assert (
        amount(Tokens(300_000, 1000), "google_genai", "models/gemini-2.5-pro")
        == Decimal(765_000) / MILLION
    )
    # up to 200 000: 1.25 and 10. 200 000 * 1.25 + 1000 * 10 = 260 000
    assert (
        amount(Tokens(200_000, 1000), "google_genai", "models/gemini-2.5-pro")
        == Decimal(260_000) / MILLION
    )


def test_audio_has_its_own_price() -> None:
    # gemini-2.0-flash: 0.10 input, 0.70 audio, 0.40 output: 60 * 0.1 + 40 * 0.7 + 10 * 0.4 = 38
    tokens = Tokens(100, 10, input_audio=40)
    assert amount(tokens, "google", "gemini-2.0-flash") == Decimal(38) / MILLION


def test_flex_is_half_the_price() -> None:
    # gpt-5: 1.25 and 10, flex 0.625 and 5: 1000 * 0.625 + 100 * 5 = 1125
    assert amount(Tokens(1000, 100, tier="flex"), "openai", "gpt-5") == Decimal(1125) / MILLION
    assert amount(Tokens(1000, 100), "openai", "gpt-5") == Decimal(2250) / MILLION


def test_a_provider_s_tiers_do_not_hold_where_another_one_sells_its_models() -> None:
    resold = Tokens(1000, 100, tier="flex")
    assert amount(resold, "azure", "gpt-5") == Decimal(2250) / MILLION


def test_a_fee_for_the_call_is_in_the_amount_alone() -> None:
    # sonar: 1 and 1, and 12 USD a thousand calls: 1000 + 100 millionths, and 0.012
    price = BOOK.price(Tokens(1000, 100), provider="perplexity", model="sonar", at=NOW)
    assert price is not None
    assert price.input + price.output == Decimal(1100) / MILLION
    assert price.amount == Decimal(1100) / MILLION + Decimal("0.012")


@pytest.mark.parametrize(
    ("provider", "model", "same_provider", "same_model"),
    [
        ("x_ai", "grok-3", "x-ai", "grok-3"),
        ("xai", "grok-3", "x-ai", "grok-3"),
        ("google_genai", "models/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("gcp.gen_ai", "gemini-2.5-flash", "google", "gemini-2.5-flash"),
        (
            "gcp.vertex_ai",
            "publishers/google/models/gemini-2.5-flash",
            "google",
            "gemini-2.5-flash",
        ),
        ("google_anthropic_vertex", "claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
        ("azure.ai.inference", "gpt-4o", "azure", "gpt-4o"),
        ("azure.ai.openai", "gpt-35-turbo", "azure", "gpt-3.5-turbo"),
        (
            "fireworks_ai",
            "deepseek-v3p2",
            "fireworks",
            "accounts/fireworks/models/deepseek-v3p2",
        ),
        ("openai", "openai/gpt-4o", "openai", "gpt-4o"),
        ("OpenAI", "GPT-4o", "openai", "gpt-4o"),
        ("langchain", "gpt-4o", "openai", "gpt-4o"),
        ("", "gpt-4o", "openai", "gpt-4o"),
        ("openai", "claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("litellm", "openai/gpt-4o", "openai", "gpt-4o"),
        ("mistral_ai", "mistral-large-latest", "mistral", "mistral-large-latest"),
        (
            "togetherai",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "together",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        ),
    ],
)
def test_spellings_of_providers_and_models_are_understood(
    provider: str, model: str, same_provider: str, same_model: str
) -> None:
    tokens = Tokens(1000, 100)
    expected = get_snapshot().calc(
        Usage(input_tokens=1000, output_tokens=100), same_model, same_provider, None, NOW
    )
    assert amount(tokens, provider, model) == expected.total_price > 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-6"),
        ("azure.ai.openai", "my-deployment"),
        ("ollama", "deepseek-r1"),
        ("openai", "deepseek-r1"),  # a server of one's own that speaks OpenAI's protocol
        ("fireworks", "claude-sonnet-4-5"),
        ("openai", ""),
        ("", ""),
        ("openai", "models/"),
        ("openai", "\x00" * 50),
        ("openai", "whisper-large-v3"),
    ],
)
def test_what_is_not_known_has_no_price(provider: str, model: str) -> None:
    assert amount(Tokens(1000, 100), provider, model) is None


def test_a_model_whose_table_has_no_price_for_its_tokens_is_not_free() -> None:
    free = [(p, m) for p, m in MODELS if isinstance(m.prices, ModelPrice) and not vars(m.prices)]
    assert free
    for provider, model in free:
        name = model.id
        found = get_snapshot().find_provider_model(name, provider, None, None)[1]
        if found is model:
            assert amount(Tokens(1000, 100), provider.id, name) is None


def test_an_embedding_model_prices_input_and_nothing_else() -> None:
    # text-embedding-3-small: 0.02
    assert amount(Tokens(1000), "openai", "text-embedding-3-small") == Decimal(20) / MILLION
    assert amount(Tokens(1000, 5), "openai", "text-embedding-3-small") is None


def test_prices_are_those_of_the_call_s_day() -> None:
    # o3: 10 and 40 until 2025-06-10, then 2 and 8
    before, after = datetime(2025, 6, 9, tzinfo=UTC), datetime(2025, 6, 11, tzinfo=UTC)
    assert amount(Tokens(1000, 100), "openai", "o3", before) == Decimal(14_000) / MILLION
    assert amount(Tokens(1000, 100), "openai", "o3", after) == Decimal(2_800) / MILLION


def test_a_naive_time_is_utc() -> None:
    naive = datetime(2025, 6, 9)
    assert amount(Tokens(1000, 100), "openai", "o3", naive) == Decimal(14_000) / MILLION
    flex = Tokens(1000, 100, tier="flex")
    assert amount(flex, "openai", "gpt-5", NOW.replace(tzinfo=None)) == Decimal(1125) / MILLION


def sound(values: list[int]) -> Tokens:
    counts: dict[str, Any] = dict(zip(COUNTS, values, strict=True))
    return Tokens(**counts)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400_000), min_size=9, max_size=9).map(sound))
def test_every_model_of_the_package_is_priced_as_the_package_does(tokens: Tokens) -> None:
    usage = package_usage(tokens)
    for provider, model in MODELS[::97]:
        assert_as_the_package(provider, model, tokens, usage)


def test_all_models_are_priced_as_the_package_does() -> None:
    tokens = Tokens(
        250_000,
        4_000,
        cache_read=100_000,
        cache_write=50_000,
        cache_write_5m=20_000,
        cache_write_1h=10_000,
        reasoning=1_000,
        input_audio=120_000,
        output_audio=500,
    )
    usage = package_usage(tokens)
    compared = sum(assert_as_the_package(p, m, tokens, usage) for p, m in MODELS)
    assert compared > 2_000


def assert_as_the_package(
    provider: Provider, model: ModelInfo, tokens: Tokens, usage: Usage
) -> bool:
    rates = _rates(model.get_prices(NOW))
    price = rates.price(tokens, "") if rates is not None else None
    if price is None:
        return False
    expected = model.calc_price(usage, provider, genai_request_timestamp=NOW)
    assert price.amount == expected.total_price, (provider.id, model.id)
    assert price.input == expected.input_price, (provider.id, model.id)
    assert price.output == expected.output_price, (provider.id, model.id)
    return True


def package_usage(tokens: Tokens) -> Usage:
    """What the package needs to be told, which will not guess how many cached are audio."""
    both = max(0, tokens.cache_read + tokens.cache_write + tokens.input_audio - tokens.input)
    cached_audio = min(both, tokens.cache_read)
    spoken = max(0, tokens.reasoning + tokens.output_audio - tokens.output)
    given: dict[str, Any] = {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write,
        "cache_write_5m_tokens": tokens.cache_write_5m,
        "cache_write_1h_tokens": tokens.cache_write_1h,
        "output_reasoning_tokens": tokens.reasoning,
        "input_audio_tokens": tokens.input_audio - both + cached_audio,
        "cache_audio_read_tokens": cached_audio,
        "output_audio_tokens": tokens.output_audio - spoken,
    }
    return Usage(**given)


@pytest.fixture
def own_snapshot() -> Iterator[None]:
    prices = ModelPrice(
        input_mtok=TieredPrices(base=Decimal(1), tiers=[Tier(start=10, price=Decimal(2))]),
        output_mtok=Decimal(3),
    )
    model = ModelInfo(id="m", match=ClauseEquals(equals="m"), prices=prices)
    provider = Provider(id="own", name="Own", api_pattern="", models=[model])
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=True))
    yield
    set_custom_snapshot(None)


def test_a_snapshot_that_the_program_sets_is_used_and_named(own_snapshot: None) -> None:
    price = BOOK.price(Tokens(11, 1), provider="own", model="m", at=NOW)
    assert price is not None
    assert price.amount == Decimal(11 * 2 + 3) / MILLION
    assert price.book.startswith(f"genai-prices {genai_prices.__version__} 20")
    assert amount(Tokens(1, 1), "openai", "gpt-4o") is None
    set_custom_snapshot(None)
    assert amount(Tokens(1, 1), "own", "m") is None
    assert amount(Tokens(1, 1), "openai", "gpt-4o")


def test_a_tier_s_price_begins_on_its_day() -> None:
    variant = PriceVariant(
        when={"service_tier": "flex"},
        prices=ModelPrice(input_mtok=Decimal(5)),
        constraint=StartDateConstraint(start_date=date(2026, 11, 22)),
    )
    prices = ModelPrice(input_mtok=Decimal(10))
    model = ModelInfo(
        id="m", match=ClauseEquals(equals="m"), prices=prices, price_variants=[variant]
    )
    provider = Provider(id="own", name="Own", api_pattern="", models=[model])
    table = GenaiTable(DataSnapshot(providers=[provider], from_auto_update=False), "1")
    flex = Tokens(1_000_000, tier="flex")
    eastern = timezone(timedelta(hours=2))
    for at, amount in [
        (datetime(2026, 11, 21, 23, tzinfo=UTC), 10),
        (datetime(2026, 11, 22, 0, tzinfo=UTC), 5),
        (datetime(2026, 11, 22, 1, tzinfo=eastern), 10),  # still the 21st in UTC
    ]:
        price = table.price(flex, provider="own", model="m", at=at)
        assert price is not None
        assert price.amount == amount


def test_warm_imports_the_package_in_the_background() -> None:
    book = GenaiPrices()
    book.warm().join(30)
    assert book._table is not None


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    book = GenaiPrices()
    book.warm().join(30)
    for _ in range(2):
        with pytest.raises(MissingExtra, match=r"langchain-durable\[costs\]"):
            book.price(Tokens(1, 1), provider="openai", model="gpt-4o", at=NOW)


def test_the_package_is_not_imported_before_it_is_needed() -> None:
    heavy = "{'genai_prices', 'langchain_core', 'opentelemetry.sdk.trace'}"
    code = f"import sys, langchain_durable.costs; sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "set()"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_is_forked_while_the_package_is_imported_has_its_prices() -> None:
    code = """
import os, signal
from datetime import UTC, datetime
from langchain_durable.costs.genai_prices import GenaiPrices
from langchain_durable.costs.tokens import Tokens

book = GenaiPrices()
book.warm()
if pid := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.alarm(30)
found = book.price(Tokens(1, 1), provider="openai", model="gpt-4o", at=datetime.now(UTC))
os._exit(0 if found is not None else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_a_program_that_ends_while_the_package_is_imported_does_not_leave_its_locks(
    tmp_path: Path,
) -> None:
    (tmp_path / "genai_prices.py").write_text("""
import sys, threading
sys.imports = threading.get_ident()
threading.main_thread().join()
print("imported", flush=True)
raise ImportError("enough")
""")
    code = """
import sys
from langchain_durable.costs.genai_prices import GenaiPrices

GenaiPrices().warm()
while not hasattr(sys, "imports"):
    pass
print("ends", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["ends", "imported"]
