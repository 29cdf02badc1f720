"""Counts and times what happened, through the program's own meter provider."""

from __future__ import annotations

from decimal import Decimal

from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider, get_meter_provider

from langchain_durable import semconv
from langchain_durable.arguments import check, check_provider
from langchain_durable.costs.price_book import Price
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import Outcome, RunStatus, StepKind, Usage
from langchain_durable.installation import own_version
from langchain_durable.metrics.guard import harmless
from langchain_durable.metrics.instruments import Instruments
from langchain_durable.metrics.label_values import LabelValues
from langchain_durable.metrics.tally import Labels, tally_of
from langchain_durable.metrics.token_meter import TokenMeter
from langchain_durable.semconv import Profile

_FUNCTION = "function"


class Meters:
    """Records what steps, agents and runs come to, under the GenAI conventions' names.

    ``meter_provider`` None is the global one, also if it is configured later. ``profile`` says
    which of the conventions' names: ``current`` or ``next``. The tenant of a cost is told in
    the label ``tenant_label``. Seconds and US dollars; names, units and buckets are in
    ``langchain_durable.semconv``.

    Labels hold names only (model, provider, tool, agent, tenant, error), each at most 100
    characters long and of at most 200 values. ``context`` holds the span that an exemplar
    points to. What fails here is logged, once, and never raised.
    Raises ``ConfigurationError`` for an unknown profile, or an empty tenant label.
    """

    def __init__(
        self,
        meter_provider: MeterProvider | None = None,
        *,
        profile: Profile | str = Profile.CURRENT,
        tenant_label: str = "tenant",
    ) -> None:
        self._profile = _profile(profile)
        check(
            isinstance(tenant_label, str) and tenant_label != "",
            "tenant",
            tenant_label,
            expected="a text such as 'tenant'",
            do="leave it out for 'tenant'",
        )
        check_provider("meter", meter_provider)
        self._tenant = tenant_label
        self._values = LabelValues()
        provider = meter_provider or get_meter_provider()
        meter = provider.get_meter(semconv.SCOPE, own_version())
        self._instruments = Instruments(meter, self._profile)
        tally = tally_of(provider, meter)
        self._tokens = TokenMeter(meter, self._profile, tally)
        self._count = tally.add

    @property
    def counts_calls(self) -> bool:
        """Whether the profile has metrics for the calls that an agent makes."""
        return self._instruments.inference_calls is not None

    # -- steps --------------------------------------------------------------------------------

    @harmless
    def step_ended(
        self,
        *,
        kind: StepKind,
        name: str,
        provider: str = "",
        response_model: str = "",
        outcome: Outcome,
        error_type: str = "",
        seconds: float,
        usage: Usage | None = None,
        first_chunk: float | None = None,
        per_chunk: float | None = None,
        price: Price | None = None,
        unpriced: str | None = None,
        agent: str = "",
        tenant: str = "",
        streamed: bool = False,
        cache_hit: bool = False,
        operation: str = "",
        context: Context | None = None,
    ) -> None:
        """Record a call that was made. Call it once a call: each moves the counters.

        ``name`` is that of the model, tool, retriever or function. ``first_chunk`` is the
        time from the request to the first chunk, ``per_chunk`` the mean time from one chunk
        to the next, both of a streamed call. ``unpriced`` is why a model call has no price.
        The tokens of an answer from a cache are not counted. ``operation`` is the span's
        ``gen_ai.operation.name``; without it, ``chat`` for a model.
        """
        self._count(
            self._instruments.executed,
            1,
            {semconv.STEP_KIND: kind.value, semconv.OUTCOME: outcome.value},
            context,
        )
        seconds = max(0.0, seconds)
        if kind is StepKind.MODEL:
            called = self._labels((semconv.PROVIDER_NAME, provider), (semconv.REQUEST_MODEL, name))
            called[semconv.OPERATION_NAME] = operation or semconv.CHAT
            if streamed:
                self._chunks(called, first_chunk, per_chunk, context)
            answered = self._labels(
                (semconv.RESPONSE_MODEL, response_model), (semconv.ERROR_TYPE, error_type)
            )
            labels = {**called, **answered}
            self._instruments.inference.record(seconds, labels, context)
            if usage is not None and not cache_hit:
                self._tokens.record(usage, labels, context)
        elif kind is StepKind.TOOL:
            self._tool(seconds, name, agent, error_type, context)
        elif kind is StepKind.RETRIEVER:
            labels = self._labels(
                (semconv.PROVIDER_NAME, provider), (semconv.ERROR_TYPE, error_type)
            )
            labels[semconv.OPERATION_NAME] = operation or semconv.RETRIEVAL
            self._instruments.operation.record(seconds, labels, context)
        if price is not None or unpriced:
            subject = _subject(kind)
            self._money(subject, name, provider, price, unpriced, agent, tenant, context)

    @harmless
    def call_priced(
        self,
        *,
        model: str,
        provider: str = "",
        price: Price | None,
        unpriced: str | None = None,
        agent: str = "",
        tenant: str = "",
        context: Context | None = None,
    ) -> None:
        """Record only what a model call cost, or why that is not known: another
        instrumentor has recorded the call itself."""
        self._money(semconv.REQUEST_MODEL, model, provider, price, unpriced, agent, tenant, context)

    @harmless
    def step_replayed(
        self,
        *,
        kind: StepKind,
        name: str,
        cost: Decimal | None = None,
        agent: str = "",
        tenant: str = "",
    ) -> None:
        """Record a call that the journal answered. ``cost`` is what it had cost, in USD."""
        self._count(self._instruments.replayed, 1, {semconv.STEP_KIND: kind.value})
        if cost:
            labels = self._labels(
                (_subject(kind), name), (semconv.AGENT_NAME, agent), (self._tenant, tenant)
            )
            self._count(self._instruments.saved, float(cost), labels)

    # -- agents and workflows -----------------------------------------------------------------

    @harmless
    def agent_ended(
        self,
        *,
        name: str,
        seconds: float,
        error_type: str = "",
        inference_calls: int | None = None,
        tool_calls: int | None = None,
        context: Context | None = None,
    ) -> None:
        """Record one invocation of an agent. The calls are those it made itself; they are
        recorded in the next profile only."""
        labels = self._labels((semconv.AGENT_NAME, name), (semconv.ERROR_TYPE, error_type))
        made = self._instruments
        made.agent.record(max(0.0, seconds), labels, context)
        if made.inference_calls is not None and inference_calls is not None:
            made.inference_calls.record(inference_calls, labels, context)
        if made.tool_calls is not None and tool_calls is not None:
            made.tool_calls.record(tool_calls, labels, context)

    @harmless
    def workflow_ended(
        self, *, name: str, seconds: float, error_type: str = "", context: Context | None = None
    ) -> None:
        """Record one execution of a workflow: a chain, or a graph that is no agent."""
        labels = self._labels((semconv.WORKFLOW_NAME, name), (semconv.ERROR_TYPE, error_type))
        self._instruments.workflow.record(max(0.0, seconds), labels, context)

    # -- runs and the journal -----------------------------------------------------------------

    @harmless
    def run_ended(self, *, status: RunStatus, tenant: str = "") -> None:
        """Record that an attempt gave its run back, as completed, failed, paused, cancelled."""
        labels = self._labels((self._tenant, tenant))
        labels[semconv.STATUS] = status.value
        self._count(self._instruments.runs, 1, labels)

    @harmless
    def attempt_crashed(self, *, tenant: str = "") -> None:
        """Record that an attempt has died; whoever takes its run over knows of it."""
        labels = self._labels((self._tenant, tenant))
        labels[semconv.STATUS] = Outcome.CRASHED.value
        self._count(self._instruments.runs, 1, labels)

    @harmless
    def call_wasted(
        self, *, cost: Decimal, tenant: str = "", context: Context | None = None
    ) -> None:
        """Record a call that a crash had made wait for its second answer: what that cost is
        taken for the cost of the first, which nobody has seen."""
        labels = self._labels((self._tenant, tenant))
        self._count(self._instruments.wasted, float(cost), labels, context)

    @harmless
    def lease_lost(self) -> None:
        """Record that another process took a run over that this one was at work on."""
        self._count(self._instruments.leases, 1, {})

    @harmless
    def journal_latency(self, seconds: float) -> None:
        """Record how long a call waited until its record was acknowledged."""
        self._instruments.journal.record(max(0.0, seconds))

    # -- parts --------------------------------------------------------------------------------

    def _labels(self, *named: tuple[str, str]) -> Labels:
        """The labels that have a value, bounded."""
        bounded = self._values.bounded
        return {label: bounded(label, value) for label, value in named if value}

    def _chunks(
        self,
        called: Labels,
        first_chunk: float | None,
        per_chunk: float | None,
        context: Context | None,
    ) -> None:
        if first_chunk is not None:
            self._instruments.first_chunk.record(max(0.0, first_chunk), called, context)
        if per_chunk is not None:
            self._instruments.per_chunk.record(max(0.0, per_chunk), called, context)

    def _tool(
        self, seconds: float, name: str, agent: str, error_type: str, context: Context | None
    ) -> None:
        labels = self._labels(
            (semconv.TOOL_NAME, name),
            (semconv.AGENT_NAME, agent),
            (semconv.ERROR_TYPE, error_type),
        )
        labels[semconv.TOOL_TYPE] = _FUNCTION
        self._instruments.tool.record(seconds, labels, context)

    def _money(
        self,
        subject: str,
        name: str,
        provider: str,
        price: Price | None,
        unpriced: str | None,
        agent: str,
        tenant: str,
        context: Context | None,
    ) -> None:
        labels = self._labels((subject, name), (semconv.PROVIDER_NAME, provider))
        if price is None:
            labels.update(self._labels((semconv.REASON, unpriced or "")))
            self._count(self._instruments.unpriced, 1, labels, context)
            return
        labels.update(self._labels((semconv.AGENT_NAME, agent), (self._tenant, tenant)))
        self._count(self._instruments.cost, float(price.amount), labels, context)


def _subject(kind: StepKind) -> str:
    """The label that a step's name goes to."""
    return semconv.REQUEST_MODEL if kind is StepKind.MODEL else semconv.TOOL_NAME


def _profile(given: str) -> Profile:
    try:
        return Profile(given)
    except ValueError as exc:
        raise ConfigurationError(
            "There is no such profile of the GenAI conventions.",
            expected=" or ".join(Profile),
            came=repr(given)[:80],
            do="correct the profile",
        ) from exc
