"""What the library really emits, as Prometheus sees it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from pydantic import SecretStr

from langchain_durable import Durable
from langchain_durable.metrics import Meters
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI, ToolCall
from tests.compose.promql import labels_of, series_names
from tests.servers import Server

PRICES = {"weigher": {"input": 1.0, "output": 2.0}}
RULES = (
    Rule(role="user", when="heavy", calls=(ToolCall(name="weigh", args={"item": "tea"}),)),
    Rule(role="tool", when="g$", says="it is light", chunk_delay=0.001),
)


@dataclass(frozen=True, slots=True)
class Emitted:
    """The series, and the labels that they can have."""

    series: frozenset[str]
    labels: frozenset[str]


@tool
def weigh(item: str) -> str:
    """Weigh an item, once the scale is there."""
    if not scale:
        raise ValueError("no scale")
    return f"{item}: 250 g"


scale: list[str] = []


def _work(provider: MeterProvider, journal: Server, server: ScriptedOpenAI) -> None:
    """An agent whose first attempt fails in its tool, and whose second replays the model."""
    with Durable(
        journal.url, prefix=uuid.uuid4().hex, meter_provider=provider, prices=PRICES
    ) as durable:
        for name in ("weigher", "unknown"):
            model = ChatOpenAI(
                model=name, base_url=server.url, api_key=SecretStr("k"), stream_usage=True
            )
            agent: Runnable[Any, Any] = create_agent(model, [weigh], name="weighing")
            agent = durable.wrap(agent)
            inputs = {"messages": [{"role": "user", "content": "How heavy is the tea?"}]}
            config = durable.config(name, tenant="north")
            scale.clear()
            with pytest.raises(ValueError, match="no scale"):
                list(agent.stream(inputs, config, stream_mode="messages"))
            scale.append("a scale")
            list(agent.stream(inputs, config, stream_mode="messages"))


def _metrics(reader: InMemoryMetricReader) -> Iterator[Metric]:
    data = reader.get_metrics_data()
    assert data is not None
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            yield from scope.metrics


@pytest.fixture(scope="session")
def emitted(journal_server: Server) -> Emitted:
    """A real run's metrics, and those that only the death of a process moves."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    with ScriptedOpenAI(RULES) as server:
        _work(provider, journal_server, server)
    # tests/backends kills real processes; here it is the names that count.
    meters = Meters(provider)
    meters.attempt_crashed(tenant="north")
    meters.call_wasted(cost=Decimal(1), tenant="north")
    meters.lease_lost()
    metrics = list(_metrics(reader))
    return Emitted(
        series=frozenset().union(*map(series_names, metrics)),
        labels=frozenset(labels_of(metrics)),
    )
