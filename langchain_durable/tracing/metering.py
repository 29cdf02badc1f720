"""What the calls of a handle come to as metrics: labels are not made for nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import Span

from langchain_durable import semconv
from langchain_durable.costs.price_book import dollars
from langchain_durable.costs.pricing import Settled
from langchain_durable.events import RunStatus, StepEnded, StepKind
from langchain_durable.identity.tree import Scope
from langchain_durable.metrics import Meters
from langchain_durable.spans.outcomes import describe, error_type
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.guard import harmless, nothing

_NOT_CONFIGURED = "_ProxyMeterProvider"
"""The class of the global meter provider, as long as the app has set none."""


@dataclass(slots=True, kw_only=True)
class Metering:
    """Tells the meters what happened, once somebody listens to them.

    ``meters`` None: no metrics. ``listening``: they have a provider of their own. Else that of
    the app counts, which may be configured at any time: see :meth:`look`.
    """

    meters: Meters | None = None
    listening: bool = False
    clock: Callable[[], int] = time.time_ns
    heard: Meters | None = field(init=False)

    def __post_init__(self) -> None:
        self.heard = self.meters if self.listening else None

    @harmless(nothing)
    def look(self) -> None:
        """Find out whether somebody listens by now. Asked once an attempt: OpenTelemetry reads
        the environment for it, as long as nobody does."""
        if self.heard is None and type(get_meter_provider()).__name__ != _NOT_CONFIGURED:
            self.heard = self.meters

    @property
    def counts_calls(self) -> bool:
        """Whether the calls of each agent are to be counted."""
        return self.heard is not None and self.heard.counts_calls

    # -- steps ----------------------------------------------------------------------

    def step(
        self, scope: Scope, event: StepEnded, told: Attributes, span: Span | None, tenant: str
    ) -> None:
        """Count and time a step that was made."""
        meters, start = self.heard, scope.start
        if meters is None or start is None or scope.kind is None:
            return
        settled: Settled | None = scope.settled
        price = settled.price if settled is not None else None
        first = told.get(semconv.RESPONSE_TIME_TO_FIRST_CHUNK)
        context = None if span is None else trace.set_span_in_context(span)
        meters.step_ended(
            kind=scope.kind,
            name=str(start.attributes.get(semconv.REQUEST_MODEL, scope.name)),
            provider=str(start.attributes.get(semconv.PROVIDER_NAME, "")),
            response_model=str(told.get(semconv.RESPONSE_MODEL, "")),
            outcome=event.outcome,
            error_type="" if event.error is None else error_type(event.error),
            seconds=(event.time - scope.entered) / 1e9,
            usage=event.usage,
            first_chunk=first if isinstance(first, float) else None,
            per_chunk=scope.per_chunk,
            price=price,
            unpriced=settled.unpriced if settled is not None else None,
            agent=scope.caller or "",
            tenant=tenant,
            streamed=first is not None,
            cache_hit=semconv.LLM_CACHE_HIT in told,
            operation=start.operation,
            context=context,
        )
        if price is not None and scope.recorded is not None and scope.recorded.in_doubt:
            meters.call_wasted(cost=price.amount, tenant=tenant, context=context)

    @harmless(nothing)
    def replayed(self, scope: Scope, tenant: str) -> None:
        """Count a step that the journal answered, and what it had cost, with all inside it."""
        meters, recorded = self.heard, scope.recorded
        if meters is None or scope.kind is None or recorded is None:
            return
        costs = [dollars(cost) for cost in recorded.costs()]
        saved = sum((cost for cost in costs if cost is not None), Decimal(0))
        name = scope.name
        if saved and scope.kind is StepKind.MODEL and scope.describe is not None:
            name = str(scope.describe().attributes.get(semconv.REQUEST_MODEL, name))
        meters.step_replayed(
            kind=scope.kind,
            name=name,
            cost=saved or None,
            agent=scope.caller or "",
            tenant=tenant,
        )

    # -- agents, runs, the journal ----------------------------------------------------

    def chain_ended(
        self,
        start: Start,
        began: int,
        calls: dict[StepKind, int],
        error: BaseException | None,
        context: Context | None = None,
    ) -> None:
        """Time an agent, or the root of a call; ``calls`` are those that an agent made."""
        meters = self.heard
        if meters is None:
            return
        seconds = max(0, self.clock() - began) / 1e9
        failed = "" if error is None else error_type(describe(error))
        if start.operation != semconv.INVOKE_AGENT:
            name = str(start.attributes.get(semconv.WORKFLOW_NAME, ""))
            meters.workflow_ended(name=name, seconds=seconds, error_type=failed, context=context)
            return
        meters.agent_ended(
            name=str(start.attributes.get(semconv.AGENT_NAME, "")),
            seconds=seconds,
            error_type=failed,
            inference_calls=calls.get(StepKind.MODEL, 0),
            tool_calls=calls.get(StepKind.TOOL, 0),
            context=context,
        )

    def run_ended(self, status: RunStatus, tenant: str) -> None:
        """Count an attempt that gave its run back with this status."""
        if self.meters is not None:
            self.meters.run_ended(status=status, tenant=tenant)

    def crashed(self, tenant: str) -> None:
        """Count an attempt that died."""
        if self.meters is not None:
            self.meters.attempt_crashed(tenant=tenant)

    def lease_lost(self) -> None:
        """Count a run that another process took over from this one."""
        if self.meters is not None:
            self.meters.lease_lost()

    def waited(self, since: float) -> None:
        """Time a call's wait for its record; ``since`` is a ``time.perf_counter()``."""
        if self.heard is not None:
            self.heard.journal_latency(time.perf_counter() - since)
