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
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import Span

from langchain_durable import semconv
from langchain_durable.costs.price_book import dollars
from langchain_durable.costs.pricing import Pricing, Settled
from langchain_durable.costs.tokens import Tokens
from langchain_durable.events import RunStatus, StepEnded, StepKind, Usage
from langchain_durable.scopes import Scope
from langchain_durable.spans.content import Content
from langchain_durable.spans.outcomes import describe, error_type
from langchain_durable.spans.priced import BOOK, COST, ESTIMATED, LOCAL, SOURCE, UNPRICED
from langchain_durable.spans.start import Attributes, Start

if TYPE_CHECKING:
    from langchain_durable.metrics import Meters
    from langchain_durable.tracing.sink import Sink

_SDK = "opentelemetry.sdk.trace"
_NOT_CONFIGURED = "_ProxyMeterProvider"
"""The class of the global meter provider, as long as the app has set none."""


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """The options of tracing, pricing and metering, and what was made of them.

    ``tracer_provider``: the app's; None for the global one, which may be configured after us and
    is never replaced. ``pricing`` None: calls get no price. ``meters`` None: no metrics.
    ``linked``: each attempt is a trace of its own, linked to the run's, instead of one trace.
    """

    tracer_provider: trace.TracerProvider | None = None
    pricing: Pricing | None = None
    meters: Meters | None = None
    content: Content | None = None
    linked: bool = False
    clock: Callable[[], int] = time.time_ns
    metered: bool = False
    """Whether somebody listens to the meters; found out as long as it is false."""
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

    def settle(self, start: Start | None, told: Attributes, usage: Usage | None) -> Settled | None:
        """The price of a model's answer; None where nothing is priced."""
        if self.pricing is None or start is None:
            return None
        asked = start.attributes
        return self.pricing.settle(
            tokens=None if usage is None else Tokens.from_usage(usage),
            provider=str(asked.get(semconv.PROVIDER_NAME, "")),
            model=str(asked.get(semconv.REQUEST_MODEL, "")),
            response_model=str(told.get(semconv.RESPONSE_MODEL, "")),
            at=datetime.now(UTC),
            cache_hit=semconv.LLM_CACHE_HIT in told,
        )

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

    def _listening(self) -> Meters | None:
        """The meters, once somebody listens: labels are not made for nobody."""
        if not self.metered and self.meters is not None:
            self.metered = type(get_meter_provider()).__name__ != _NOT_CONFIGURED
        return self.meters if self.metered else None

    def chain_shown(self, outputs: Any, before: Attributes) -> Attributes:
        """What an agent or a chain answered, as its span shows it."""
        return {} if self.content is None else self.content.chain_output(outputs, before)

    # -- metrics --------------------------------------------------------------------

    def measure(
        self, scope: Scope, event: StepEnded, told: Attributes, span: Span | None, tenant: str
    ) -> None:
        """Count and time a step that was made."""
        meters, start = self._listening(), scope.start
        if meters is None or start is None or scope.kind is None:
            return
        settled: Settled | None = scope.settled
        first = told.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK)
        meters.step_ended(
            kind=scope.kind,
            name=scope.name,
            provider=str(start.attributes.get(semconv.PROVIDER_NAME, "")),
            response_model=str(told.get(semconv.RESPONSE_MODEL, "")),
            outcome=event.outcome,
            error_type="" if event.error is None else error_type(event.error),
            seconds=(event.time - scope.entered) / 1e9,
            usage=event.usage,
            first_chunk=first if isinstance(first, float) else None,
            price=settled.price if settled is not None else None,
            unpriced=settled.unpriced if settled is not None else None,
            agent=str(start.attributes.get(semconv.AGENT_NAME, "")),
            tenant=tenant,
            streamed=first is not None,
            cache_hit=semconv.LLM_CACHE_HIT in told,
            operation=start.operation,
            context=None if span is None else trace.set_span_in_context(span),
        )

    def replayed(self, kind: StepKind, name: str, cost: str | None, tenant: str) -> None:
        """Count a step that the journal answered."""
        meters = self._listening()
        if meters is not None:
            saved = None if cost is None else dollars(cost)
            meters.step_replayed(kind=kind, name=name, cost=saved, tenant=tenant)

    def chain_ended(self, start: Start, began: int, error: BaseException | None) -> None:
        """Time an agent, or the root of a call."""
        meters = self._listening()
        if meters is None:
            return
        seconds = (self.clock() - began) / 1e9
        failed = "" if error is None else error_type(describe(error))
        if start.operation == semconv.INVOKE_AGENT:
            name = str(start.attributes.get(semconv.AGENT_NAME, ""))
            meters.agent_ended(name=name, seconds=seconds, error_type=failed)
        else:
            name = str(start.attributes.get(semconv.WORKFLOW_NAME, ""))
            meters.workflow_ended(name=name, seconds=seconds, error_type=failed)

    def run_ended(self, status: RunStatus, tenant: str) -> None:
        """Count an attempt that gave its run back with this status."""
        if self.meters is not None:
            self.meters.run_ended(status=status, tenant=tenant)

    def crashed(self, tenant: str) -> None:
        """Count an attempt that died."""
        if self.meters is not None:
            self.meters.attempt_crashed(wasted=None, tenant=tenant)


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
