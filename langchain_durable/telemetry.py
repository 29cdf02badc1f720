"""The telemetry of a handle, from its options and the environment's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from langchain_durable.arguments import check_function, check_provider
from langchain_durable.costs.price_book import PriceBook, PriceFunction
from langchain_durable.costs.pricing import Pricing
from langchain_durable.errors import ConfigurationError
from langchain_durable.metrics import Meters
from langchain_durable.semconv import Profile
from langchain_durable.spans.content import (
    Content,
    capture_from_environment,
    events_from_environment,
)
from langchain_durable.tracing.metering import Metering
from langchain_durable.tracing.telemetry import Telemetry

if TYPE_CHECKING:  # importing it takes a while, and few programs have logs
    from opentelemetry._logs import LoggerProvider

    from langchain_durable.tracing.inference_events import InferenceEvents

Prices = (
    PriceBook | PriceFunction | Mapping[str, Any] | str | os.PathLike[str] | Literal[False] | None
)
"""Where prices come from: a book, a callable, a table or its path; False for no prices."""


def make_telemetry(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
    trace: Literal["one", "linked"] = "one",
    prices: Prices = None,
    tenant: str = "tenant",
    profile: Profile | str = Profile.CURRENT,
    redact: Callable[[Any], Any] | None = None,
) -> Telemetry:
    """What a handle tells OpenTelemetry. Raises ``ConfigurationError`` for a bad option.

    Without ``prices`` the ``genai-prices`` package is asked, if it is installed.
    """
    if trace not in ("one", "linked"):
        raise ConfigurationError(
            "The option 'trace' has an unknown value.",
            expected="'one' trace for a run, or a 'linked' one for each attempt",
            came=repr(trace),
            do="correct the option",
        )
    check_provider("tracer", tracer_provider)
    check_function("redact_spans", redact, do="give a function from a value to what is shown of it")
    check_provider("logger", logger_provider)
    content = Content(capture := capture_from_environment(), redact=redact)
    return Telemetry(
        tracer_provider=tracer_provider,
        pricing=_pricing(prices),
        metering=Metering(
            meters=Meters(meter_provider, profile=profile, tenant_label=tenant),
            listening=meter_provider is not None,
        ),
        content=content if content.enabled else None,
        events=_events(content, logger_provider) if events_from_environment(capture) else None,
        linked=trace == "linked",
    )


def _pricing(prices: Prices) -> Pricing | None:
    if prices is False or (prices is None and find_spec("genai_prices") is None):
        return None
    return Pricing(prices)


def _events(content: Content, logger_provider: LoggerProvider | None) -> InferenceEvents:
    from langchain_durable.tracing.inference_events import InferenceEvents

    return InferenceEvents(content, logger_provider)
