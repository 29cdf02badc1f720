"""What callers give wrongly is refused where it comes in, and the error says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from langchain_durable import (
    CostSpanProcessor,
    Durable,
    DurableCallbackHandler,
    flush_on_sigterm,
)
from langchain_durable.costs import Ledger
from langchain_durable.errors import ConfigurationError, DurableError

KEY = b"k" * 16
OPTIONS: list[tuple[str, Any]] = [
    *[("lease", given) for given in ("10", None, True, float("nan"), 0)],
    *[("retry_for", given) for given in ("30", -1, None)],
    *[("retention", given) for given in (5, {"journal": 5})],
    *[("prefix", given) for given in ("", 5, "\ud800")],
    *[("version", given) for given in (5, None, "\ud800")],
    *[("allow", given) for given in (5, int, ["int"])],
    *[("encryption_key", given) for given in ("k" * 16, b"k", 5)],
    *[("previous_keys", given) for given in ([KEY], KEY, 5)],
    *[("max_value_bytes", given) for given in ("5", 0, 1.5)],
    *[(flag, given) for flag in ("require_finish_reason", "stream_usage") for given in ("no", 1)],
    *[(function, 5) for function in ("redact", "redact_spans")],
    *[(provider, 5) for provider in ("tracer_provider", "meter_provider")],
    *[("tenant", given) for given in ("", 5, None)],
    *[(choice, 5) for choice in ("durability", "drift", "trace", "semconv_profile", "prices")],
]


def says_all(error: DurableError) -> bool:
    return bool(error.expected and error.came and error.do)


@pytest.mark.parametrize(("option", "given"), OPTIONS)
def test_an_option_of_a_handle_that_does_not_fit_is_refused(option: str, given: Any) -> None:
    options: dict[str, Any] = {option: given}
    with pytest.raises(ConfigurationError) as caught:
        Durable("memory://", **options)

    assert says_all(caught.value)


@pytest.mark.parametrize("keys", [KEY, 5, [5], ["k" * 16]])
def test_previous_keys_that_are_no_keys_are_refused_and_not_told(keys: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Durable("memory://", encryption_key=KEY, previous_keys=keys)

    assert says_all(caught.value)
    assert "kkkk" not in str(caught.value)


CALLS: list[Callable[[Any], Any]] = [
    lambda durable: durable.events("run", after=-5),
    lambda durable: durable.events("run", after="5"),
    lambda durable: asyncio.run(durable.aevents("run", after=None)),
    lambda durable: durable.runs(limit=-1),
    lambda durable: durable.runs(limit="5"),
    lambda durable: asyncio.run(durable.aruns(limit=0)),
    lambda durable: durable.runs(status=5),
    lambda durable: durable.costs(limit=0),
    lambda durable: durable.costs(since="2026-01-01"),
    lambda durable: durable.wrap(RunnableLambda(str), name=5),
    lambda durable: durable.wrap(RunnableLambda(str), version=5),
    lambda durable: durable.wrap(RunnableLambda(str), version="\ud800"),
    lambda durable: durable.config("run", base=5),
    lambda durable: durable.config("run", base={"configurable": 5}),
    lambda durable: durable.config("run", durable_run_id="another"),
    lambda durable: durable.run("another", metadata=5),
    lambda durable: durable.resume("run", RunnableLambda(str), config=5),
    lambda durable: durable.resume("run", 5),
    lambda durable: in_a_block(durable, lambda: durable.step(5)),
    lambda durable: in_a_block(durable, lambda: asyncio.run(durable.astep(5))),
    lambda durable: durable.run("another").bind(len("called")),
    lambda durable: DurableCallbackHandler("run"),  # type: ignore[arg-type]  # what is tested
    lambda durable: CostSpanProcessor("prices.json"),  # type: ignore[arg-type]  # as above
    lambda durable: CostSpanProcessor(observe=5),  # type: ignore[arg-type]  # as above
    lambda durable: Ledger().by("modle"),  # type: ignore[arg-type]  # as above
    lambda durable: flush_on_sigterm(before=durable.close),
    lambda durable: flush_on_sigterm(before=[durable.close()]),
    lambda durable: flush_on_sigterm(0),
]


def in_a_block(durable: Durable, call: Callable[[], Any]) -> None:
    with durable.run():
        call()


@pytest.mark.parametrize("call", CALLS)
def test_an_argument_that_does_not_fit_is_refused(durable: Durable, call: Any) -> None:
    durable.wrap(RunnableLambda(str)).invoke("a", durable.config("run"))
    with pytest.raises(ConfigurationError) as caught:
        call(durable)

    assert says_all(caught.value)
