"""Durable runs in a process whose calls are all observed."""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda
from opentelemetry.sdk.trace import TracerProvider

from langchain_durable import Durable
from langchain_durable.instrumentor import DurableInstrumentor
from tests.fakes import Model


def test_a_wrapped_runnable_in_a_plain_chain_is_durable_where_calls_are_observed(
    instrumentor: DurableInstrumentor, durable: Durable
) -> None:
    instrumentor.instrument(tracer_provider=TracerProvider(shutdown_on_exit=False))
    model, same = Model(), RunnableLambda[Any, Any](lambda text: text)
    chain: Runnable[str, Any] = same | durable.wrap(model)
    for _ in range(2):
        assert chain.invoke("a", durable.config("run")).text == "<a>"

    assert model.calls == 1
    assert [run.run_id for run in durable.runs()] == ["run"]
