"""What one ``instrument`` begins, and what ends it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import TracerProvider, set_span_in_context

from langchain_durable import semconv
from langchain_durable.costs import Settled
from langchain_durable.costs.accounted import PEERS
from langchain_durable.costs.processor import CostSpanProcessor
from langchain_durable.costs.span_call import SpanCall
from langchain_durable.instrumenting.attaching import attach, detach
from langchain_durable.instrumenting.first_call import first_call
from langchain_durable.instrumenting.peers import active_peers
from langchain_durable.telemetry import Prices, make_telemetry

if TYPE_CHECKING:  # importing it takes a while, and few programs have logs
    from opentelemetry._logs import LoggerProvider

_logger = logging.getLogger(__name__)


class Session:
    """What one ``instrument`` has begun."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
        prices: Prices = None,
        tenant: str = "tenant",
        semconv_profile: Literal["current", "next"] = "current",
        redact: Callable[[Any], Any] | None = None,
        **others: Any,
    ) -> None:
        self._telemetry = make_telemetry(
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            logger_provider=logger_provider,
            prices=prices,
            tenant=tenant,
            profile=semconv_profile,
            redact=redact,
        )
        pricing = self._telemetry.pricing
        self._costs = CostSpanProcessor(pricing, observe=self._priced) if pricing else None
        self._traces = False
        self._warned = False

    def start(self) -> None:
        self._telemetry.warm()
        self._attach()
        first_call.expect(self.at_first_call)
        if not self._peers_are_active():
            self._trace()

    def stop(self) -> None:
        first_call.expect(None)
        self._untrace()
        if self._costs is not None:
            detach(self._costs)

    def at_first_call(self) -> bool:
        """Look again, now that the program is at work; False: once more at the next call."""
        try:
            self.give_way()
            return self._attach()
        except Exception:
            _logger.warning("Spans may go without prices.", exc_info=True)
            return True

    def give_way(self) -> None:
        if self._traces and self._peers_are_active():
            self._untrace()

    def _trace(self) -> None:
        # Tracing wraps LangChain's calls, so it is not imported before it is wanted.
        from langchain_durable.instrumenting.observing import observe

        observe(self._telemetry)
        self._traces = True

    def _untrace(self) -> None:
        if self._traces:
            from langchain_durable.instrumenting.observing import unobserve

            self._traces = False
            unobserve()

    def _peers_are_active(self) -> bool:
        peers = active_peers()
        if peers and not self._warned:
            self._warned = True
            _logger.warning(
                "LangChain calls are traced by %s already, so langchain_durable does not "
                "trace them again, and only puts prices on the spans. Do: to have its spans "
                "instead, set OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=langchain, which is the name "
                "of that instrumentor's entry point, or do not call its instrument().",
                " and ".join(peers),
            )
        return bool(peers)

    def _attach(self) -> bool:
        """Price the provider's spans; False as long as there is only a stand-in for one."""
        if self._costs is None:
            return True
        provider = self._telemetry.tracer_provider or trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):
            return False
        attach(provider, self._costs)
        return True

    def _priced(self, span: ReadableSpan, settled: Settled) -> None:
        """Count what a call costs that another instrumentor traced, once.

        The tracer counts those that we trace; of several others, each has a span of its own.
        """
        scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
        meters = self._telemetry.metering.meters
        if meters is None or scope == semconv.SCOPE or not isinstance(span, Span):
            return
        if scope in PEERS and scope not in active_peers()[:1]:
            return
        attributes = span.attributes or {}
        call = SpanCall.of(attributes)
        meters.call_priced(
            model=call.model,
            provider=call.provider,
            price=settled.price,
            unpriced=settled.unpriced,
            agent=str(attributes.get(semconv.AGENT_NAME, "")),
            context=set_span_in_context(span, Context()),
        )
