"""What a handle tells OpenTelemetry, and through which providers."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from langchain_durable import semconv
from langchain_durable.costs.estimate import estimate_tokens
from langchain_durable.costs.pricing import Pricing, Settled
from langchain_durable.costs.tokens import Tokens
from langchain_durable.events import Entry, StepKind, Usage
from langchain_durable.identity.tree import Scope
from langchain_durable.spans.content import Content
from langchain_durable.spans.journaled import Journaled
from langchain_durable.spans.priced import BOOK, COST, ESTIMATED, LOCAL, SOURCE, UNPRICED
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.metering import Metering

if TYPE_CHECKING:  # imported with the SDK, which an app that has configured it has imported
    from langchain_durable.tracing.inference_events import InferenceEvents
    from langchain_durable.tracing.sink import Sink

_SDK = "opentelemetry.sdk.trace"


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """The options of tracing, pricing and metering, and what was made of them.

    ``tracer_provider``: the app's; None for the global one, which may be configured after us and
    is never replaced. ``pricing`` None: calls get no price. ``events`` None: model calls are
    no events.
    ``linked``: each attempt is a trace of its own, linked to the run's, instead of one trace.
    """

    tracer_provider: trace.TracerProvider | None = None
    pricing: Pricing | None = None
    metering: Metering = field(default_factory=Metering)
    content: Content | None = None
    events: InferenceEvents | None = None
    linked: bool = False
    clock: Callable[[], int] = time.time_ns
    _sink: Sink | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sink(self) -> Sink | None:
        """Where spans go now; None as long as no SDK is configured."""
        # An app that has configured the SDK has imported it. We need not.
        sdk = sys.modules.get(_SDK)
        if sdk is None or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None
        provider: Any = self.tracer_provider or trace.get_tracer_provider()
        found = self._sink
        if found is not None and found.provider is provider:
            return found
        if not isinstance(provider, sdk.TracerProvider):
            return None
        from langchain_durable.tracing.sink import Sink

        with self._lock:
            self._sink = Sink(provider)
            return self._sink

    def warm(self) -> None:
        """Import what prices calls, in the background. Not before a handle is in use: a process
        that forks while a thread imports leaves its child a lock that nobody opens."""
        if self.pricing is not None:
            self.pricing.warm()

    def settle(
        self,
        start: Start | None,
        told: Attributes,
        usage: Usage | None,
        estimated: Tokens | None = None,
    ) -> Settled | None:
        """The price of a model's answer; None where nothing is priced.

        Without reported ``usage`` it stands on ``estimated`` tokens, if there are any.
        """
        if self.pricing is None or start is None:
            return None
        asked = start.attributes
        return self.pricing.settle(
            tokens=estimated if usage is None else Tokens.from_usage(usage),
            provider=str(asked.get(semconv.PROVIDER_NAME, "")),
            model=str(asked.get(semconv.REQUEST_MODEL, "")),
            response_model=str(told.get(semconv.RESPONSE_MODEL, "")),
            at=datetime.now(UTC),
            cache_hit=semconv.LLM_CACHE_HIT in told,
        )

    def estimate(self, prompt: Any, answer: Any) -> Tokens | None:
        """About how many tokens a call took; None where nothing is priced."""
        if self.pricing is None or prompt is None:
            return None
        return estimate_tokens([prompt] if isinstance(prompt, str) else prompt, answer)

    def shown(self, scope: Scope, result: Any) -> Attributes:
        """What a call answered, as its span shows it."""
        content, before = self.content, scope.content() if scope.content is not None else {}
        if content is None:
            return {}
        if scope.kind is StepKind.MODEL:
            return content.model_output(result, before)
        if scope.kind is StepKind.TOOL:
            return content.tool_output(result, before)
        return content.retriever_output(result, before)

    def journaled(self, decode: Callable[[Entry], Any]) -> Journaled | None:
        """The content that the journal has, for spans that are made of it; None if that is off."""
        content = self.content
        return Journaled(content, decode) if content is not None and content.enabled else None

    def chain_shown(self, outputs: Any, before: Attributes) -> Attributes:
        """What an agent or a chain answered, as its span shows it."""
        return {} if self.content is None else self.content.chain_output(outputs, before)


def priced(settled: Settled | None) -> dict[str, Any]:
    """The attributes of a journal entry for a price, or for why there is none."""
    if settled is None:
        return {}
    price = settled.price
    if price is None:
        return {UNPRICED: settled.unpriced}
    said: dict[str, Any] = {COST: format(price.amount, "f")}
    if price.book:
        said[BOOK] = price.book
    if price.source != LOCAL:
        said[SOURCE] = price.source
    if settled.estimated:
        said[ESTIMATED] = True
    return said
