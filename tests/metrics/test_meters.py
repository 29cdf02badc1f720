"""What reaches the SDK: names, units, buckets, labels, values, for both profiles."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context

from langchain_durable.costs import Price
from langchain_durable.errors import ConfigurationError
from langchain_durable.events import Outcome, RunStatus, StepKind, Usage
from langchain_durable.metrics import Meters
from tests.metrics.reading import Metered

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (
    *(1, 4, 16, 64, 256, 1024, 4096, 16384, 65536),
    *(262144, 1048576, 4194304, 16777216, 67108864),
)

CALLED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
}
ANSWERED = {**CALLED, "gen_ai.response.model": "gpt-4o-2024-11-20"}

MODEL: dict[str, Any] = {
    "kind": StepKind.MODEL,
    "name": "gpt-4o",
    "provider": "openai",
    "response_model": "gpt-4o-2024-11-20",
    "outcome": Outcome.COMPLETED,
    "seconds": 0.5,
}
USAGE = Usage(
    input_tokens=100,
    output_tokens=20,
    total_tokens=120,
    input_details={"cache_read": 40, "audio": 10},
    output_details={"reasoning": 5},
)


@pytest.fixture
def current() -> Metered:
    return Metered()


@pytest.fixture
def following() -> Metered:
    return Metered(profile="next")


def test_a_model_call_is_timed_and_its_tokens_counted(current: Metered) -> None:
    current.meters.step_ended(**MODEL, usage=USAGE)
    assert current.points("gen_ai.client.operation.duration") == [(ANSWERED, 0.5)]
    assert current.points("gen_ai.client.token.usage") == [
        ({**ANSWERED, "gen_ai.token.type": "input"}, 100),
        ({**ANSWERED, "gen_ai.token.type": "output"}, 20),
    ]


def test_the_current_profile_has_the_names_of_the_official_instrumentor(current: Metered) -> None:
    current.meters.step_ended(
        **MODEL,
        usage=USAGE,
        streamed=True,
        first_chunk=0.2,
        per_chunk=0.01,
        price=Price(Decimal(1)),
    )
    units = {name: metric.unit for name, metric in current.metrics().items()}
    assert units == {
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "gen_ai.client.operation.time_per_output_chunk": "s",
        "gen_ai.client.token.usage": "{token}",
        "langchain_durable.steps.executed": "{step}",
        "langchain_durable.cost": "{USD}",
    }


def test_the_next_profile_has_the_renamed_ones_and_counters(following: Metered) -> None:
    following.meters.step_ended(
        **MODEL, usage=USAGE, streamed=True, first_chunk=0.2, per_chunk=0.01
    )
    units = {name: metric.unit for name, metric in following.metrics().items()}
    inference = "gen_ai.client.inference"
    assert units == {
        f"{inference}.duration": "s",
        f"{inference}.time_to_first_chunk": "s",
        f"{inference}.time_per_output_chunk": "s",
        f"{inference}.operation.input_tokens": "{token}",
        f"{inference}.operation.output_tokens": "{token}",
        f"{inference}.usage.input_tokens": "{token}",
        f"{inference}.usage.output_tokens": "{token}",
        f"{inference}.usage.cache_read.input_tokens": "{token}",
        f"{inference}.usage.reasoning.output_tokens": "{token}",
        "langchain_durable.steps.executed": "{step}",
    }


def test_usage_counters_are_sorted_by_modality_and_add_up(following: Metered) -> None:
    following.meters.step_ended(**MODEL, usage=USAGE)
    usage = "gen_ai.client.inference.usage"
    modality = "gen_ai.token.modality"
    assert following.points(f"{usage}.input_tokens") == [
        ({**ANSWERED, modality: "audio"}, 10),
        ({**ANSWERED, modality: "unknown"}, 90),
    ]
    assert following.points(f"{usage}.output_tokens") == [({**ANSWERED, modality: "unknown"}, 20)]
    assert following.points(f"{usage}.cache_read.input_tokens") == [
        ({**ANSWERED, modality: "unknown"}, 40)
    ]
    assert following.points("gen_ai.client.inference.operation.input_tokens") == [(ANSWERED, 100)]


def test_modalities_that_exceed_the_whole_are_not_believed(following: Metered) -> None:
    contradiction = Usage(input_tokens=5, input_details={"audio": 50})
    following.meters.step_ended(**MODEL, usage=contradiction)
    assert following.points("gen_ai.client.inference.usage.input_tokens") == [
        ({**ANSWERED, "gen_ai.token.modality": "unknown"}, 5)
    ]


def _buckets(metered: Metered, name: str) -> tuple[float, ...]:
    (point,) = metered.metrics()[name].data.data_points
    assert isinstance(point, HistogramDataPoint)
    return tuple(point.explicit_bounds)


@pytest.mark.parametrize(("profile", "prefix"), [("current", "operation"), ("next", "inference")])
def test_times_have_the_conventions_buckets(profile: str, prefix: str) -> None:
    metered = Metered(profile=profile)
    metered.meters.step_ended(**MODEL, streamed=True, first_chunk=0.1, per_chunk=0.1)
    for what in ("duration", "time_to_first_chunk", "time_per_output_chunk"):
        assert _buckets(metered, f"gen_ai.client.{prefix}.{what}") == SECONDS


def test_tokens_agents_and_workflows_have_the_conventions_buckets(current: Metered) -> None:
    current.meters.step_ended(**MODEL, usage=Usage(input_tokens=1))
    current.meters.agent_ended(name="a", seconds=1)
    current.meters.workflow_ended(name="w", seconds=1)
    tokens: Any = current.metrics()["gen_ai.client.token.usage"].data.data_points
    assert {tuple(point.explicit_bounds) for point in tokens} == {TOKENS}
    assert _buckets(current, "gen_ai.invoke_agent.duration") == tuple(
        0.1 * 2**power for power in range(13)
    )
    assert _buckets(current, "gen_ai.invoke_workflow.duration") == (
        *(1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200),
    )


def test_an_answer_from_a_cache_has_no_tokens(current: Metered) -> None:
    current.meters.step_ended(**MODEL, usage=USAGE, cache_hit=True, price=Price(Decimal(0)))
    assert "gen_ai.client.token.usage" not in current.metrics()
    assert [value for _, value in current.points("langchain_durable.cost")] == [0]


def test_chunks_of_a_call_that_was_not_streamed_are_not_timed(current: Metered) -> None:
    current.meters.step_ended(**MODEL, first_chunk=0.2)
    assert "gen_ai.client.operation.time_to_first_chunk" not in current.metrics()


def test_a_first_chunk_has_the_labels_that_are_known_by_then(current: Metered) -> None:
    current.meters.step_ended(**MODEL, streamed=True, first_chunk=0.2)
    assert current.points("gen_ai.client.operation.time_to_first_chunk") == [(CALLED, 0.2)]


def test_a_failed_call_says_its_error(current: Metered) -> None:
    failed = {**MODEL, "outcome": Outcome.FAILED, "response_model": ""}
    current.meters.step_ended(**failed, error_type="openai.RateLimitError")
    assert current.points("gen_ai.client.operation.duration") == [
        ({**CALLED, "error.type": "openai.RateLimitError"}, 0.5)
    ]
    assert current.points("langchain_durable.steps.executed") == [
        ({"langchain_durable.outcome": "failed", "langchain_durable.step.kind": "model"}, 1)
    ]


def test_an_unnamed_model_has_no_model_label(current: Metered) -> None:
    current.meters.step_ended(
        kind=StepKind.MODEL,
        name="",
        outcome=Outcome.COMPLETED,
        seconds=1,
        operation="text_completion",
    )
    assert current.points("gen_ai.client.operation.duration") == [
        ({"gen_ai.operation.name": "text_completion"}, 1)
    ]


def test_a_tool_is_timed_as_the_convention_says(current: Metered) -> None:
    current.meters.step_ended(
        kind=StepKind.TOOL, name="search", outcome=Outcome.COMPLETED, seconds=2, agent="writer"
    )
    labels = {
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "writer",
    }
    assert current.points("gen_ai.execute_tool.duration") == [(labels, 2)]
    assert _buckets(current, "gen_ai.execute_tool.duration") == SECONDS


@pytest.mark.parametrize("profile", ["current", "next"])
def test_a_retriever_is_no_inference(profile: str) -> None:
    metered = Metered(profile=profile)
    metered.meters.step_ended(
        kind=StepKind.RETRIEVER,
        name="VectorStoreRetriever",
        provider="FAISS",
        outcome=Outcome.COMPLETED,
        seconds=0.25,
    )
    labels = {"gen_ai.operation.name": "retrieval", "gen_ai.provider.name": "FAISS"}
    assert metered.points("gen_ai.client.operation.duration") == [(labels, 0.25)]


def test_a_function_is_only_counted(current: Metered) -> None:
    current.meters.step_ended(
        kind=StepKind.FUNCTION, name="f", outcome=Outcome.COMPLETED, seconds=1
    )
    assert set(current.metrics()) == {"langchain_durable.steps.executed"}


def test_cost_is_by_model_agent_and_the_tenants_label() -> None:
    metered = Metered(tenant_label="customer")
    for _ in range(2):
        metered.meters.step_ended(
            **MODEL, price=Price(Decimal("0.125")), agent="writer", tenant="acme"
        )
    labels = {
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.provider.name": "openai",
        "gen_ai.agent.name": "writer",
        "customer": "acme",
    }
    assert metered.points("langchain_durable.cost") == [(labels, 0.25)]


def test_a_tools_cost_is_by_tool(current: Metered) -> None:
    current.meters.step_ended(
        kind=StepKind.TOOL,
        name="search",
        outcome=Outcome.COMPLETED,
        seconds=1,
        price=Price(Decimal("0.5")),
    )
    assert current.points("langchain_durable.cost") == [({"gen_ai.tool.name": "search"}, 0.5)]


def test_a_call_without_a_price_is_counted_and_costs_nothing(current: Metered) -> None:
    current.meters.step_ended(**MODEL, unpriced="unknown_model")
    labels = {
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.provider.name": "openai",
        "langchain_durable.reason": "unknown_model",
    }
    assert current.points("langchain_durable.cost.unpriced_calls") == [(labels, 1)]
    assert "langchain_durable.cost" not in current.metrics()


def test_another_instrumentors_call_only_moves_the_cost(current: Metered) -> None:
    current.meters.call_priced(model="gpt-4o", provider="openai", price=Price(Decimal("0.5")))
    current.meters.call_priced(model="x", price=None, unpriced="no_usage")
    assert set(current.metrics()) == {
        "langchain_durable.cost",
        "langchain_durable.cost.unpriced_calls",
    }


def test_a_replayed_step_is_counted_and_saves_its_cost(current: Metered) -> None:
    current.meters.step_replayed(
        kind=StepKind.MODEL, name="gpt-4o", cost=Decimal("0.5"), tenant="acme"
    )
    current.meters.step_replayed(kind=StepKind.TOOL, name="search", cost=None, tenant="")
    assert current.points("langchain_durable.steps.replayed") == [
        ({"langchain_durable.step.kind": "model"}, 1),
        ({"langchain_durable.step.kind": "tool"}, 1),
    ]
    assert current.points("langchain_durable.cost.saved") == [
        ({"gen_ai.request.model": "gpt-4o", "tenant": "acme"}, 0.5)
    ]


def test_agents_and_workflows_are_timed(current: Metered) -> None:
    current.meters.agent_ended(
        name="writer", seconds=3, error_type="ValueError", inference_calls=2, tool_calls=1
    )
    current.meters.workflow_ended(name="RunnableSequence", seconds=4)
    assert current.points("gen_ai.invoke_agent.duration") == [
        ({"gen_ai.agent.name": "writer", "error.type": "ValueError"}, 3)
    ]
    assert current.points("gen_ai.invoke_workflow.duration") == [
        ({"gen_ai.workflow.name": "RunnableSequence"}, 4)
    ]
    assert "gen_ai.invoke_agent.inference_calls" not in current.metrics()


def test_the_calls_of_an_agent_are_counted_in_the_next_profile(following: Metered) -> None:
    following.meters.agent_ended(name="writer", seconds=3, inference_calls=2, tool_calls=1)
    labels = {"gen_ai.agent.name": "writer"}
    assert following.points("gen_ai.invoke_agent.inference_calls") == [(labels, 2)]
    assert following.points("gen_ai.invoke_agent.tool_calls") == [(labels, 1)]


def test_runs_crashes_leases_and_the_journal(current: Metered) -> None:
    meters = current.meters
    meters.run_ended(status=RunStatus.PAUSED, tenant="acme")
    meters.attempt_crashed(tenant="acme")
    meters.call_wasted(cost=Decimal("0.75"), tenant="acme")
    meters.lease_lost()
    meters.journal_latency(0.0015)
    assert current.points("langchain_durable.runs") == [
        ({"langchain_durable.status": "crashed", "tenant": "acme"}, 1),
        ({"langchain_durable.status": "paused", "tenant": "acme"}, 1),
    ]
    assert current.points("langchain_durable.cost.wasted") == [({"tenant": "acme"}, 0.75)]
    assert current.points("langchain_durable.leases.lost") == [({}, 1)]
    assert current.points("langchain_durable.journal.duration") == [({}, 0.0015)]


@pytest.mark.parametrize("name", ["langchain_durable.cost", "gen_ai.client.operation.duration"])
def test_an_exemplar_points_to_the_calls_span(current: Metered, name: str) -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("chat")
    context = set_span_in_context(span)
    current.meters.step_ended(**MODEL, price=Price(Decimal("0.5")), context=context)
    (point,) = current.metrics()[name].data.data_points
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.get_span_context().span_id]


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=10**30, output_tokens=1),
        Usage(input_tokens=-5, output_tokens=1),
    ],
)
def test_an_absurd_usage_is_no_number_of_tokens(current: Metered, usage: Usage) -> None:
    current.meters.step_ended(**MODEL, usage=usage)
    assert sum(value for _, value in current.points("gen_ai.client.token.usage")) == 1


def test_a_clock_that_went_backwards_is_taken_as_no_time(
    current: Metered, caplog: pytest.LogCaptureFixture
) -> None:
    current.meters.step_ended(**{**MODEL, "seconds": -1.0})
    assert current.points("gen_ai.client.operation.duration") == [(ANSWERED, 0)]
    assert not caplog.records


def test_what_fails_is_logged_once_and_never_raised(
    current: Metered, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {**MODEL, "seconds": "soon"}
    for _ in range(3):
        current.meters.step_ended(**broken)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_two_meters_of_one_provider_share_their_counters(
    current: Metered, caplog: pytest.LogCaptureFixture
) -> None:
    second = Meters(current.provider)
    for meters in (current.meters, second):
        meters.step_ended(**MODEL, price=Price(Decimal("0.5")))
    assert [value for _, value in current.points("langchain_durable.cost")] == [1.0]
    assert not caplog.records


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="current or next"):
        Meters(profile="old")


def test_a_tenant_label_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="tenant"):
        Meters(tenant_label="")
