"""LangChain's own cache of model answers, in a run: its answers are steps like others."""

from __future__ import annotations

import pytest
from langchain_core.caches import InMemoryCache
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable
from tests.conftest import MakeDurable
from tests.fakes import Model


class Died(Exception):
    """The process, for what the journal knows."""


def ask(durable: Durable, model: Model, *, die: bool) -> list[str]:
    with durable.run("run", input="a"):
        said = [model.invoke("bees").text, model.invoke("bees").text]
        if die:
            raise Died
        return [*said, model.invoke("wasps").text]


async def test_what_the_cache_said_is_said_again_without_it(durable: Durable) -> None:
    warm, cold = Model(cache=InMemoryCache()), Model(answer=lambda messages: "another")
    with pytest.raises(Died):
        ask(durable, warm, die=True)
    assert warm.calls == 1
    assert durable.get("run").step == 2

    assert ask(durable, cold, die=False) == ["<bees>", "<bees>", "another"]
    assert cold.calls == 1


async def test_with_the_cache_the_journal_is_not_written_again(durable: Durable) -> None:
    model = Model(cache=InMemoryCache())
    with pytest.raises(Died):
        ask(durable, model, die=True)
    assert ask(durable, model, die=False) == ["<bees>", "<bees>", "<wasps>"]
    assert model.calls == 2
    assert durable.get("run").step == 3
    assert ask(durable, model, die=False) == ["<bees>", "<bees>", "<wasps>"]


async def test_an_answer_of_the_cache_has_a_span_and_costs_nothing(
    make_durable: MakeDurable,
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    prices = {"fake": {"input": 1_000_000, "output": 1_000_000}}
    durable = make_durable(tracer_provider=provider, prices=prices)
    model = Model(cache=InMemoryCache())
    async with durable.run("run"):
        await model.ainvoke("bees")
        await model.ainvoke("bees")
    told = [dict(span.attributes or {}) for span in exporter.get_finished_spans()]
    chats = [each for each in told if each.get("gen_ai.operation.name") == "chat"]
    hits = [bool(each.get("langchain_durable.llm_cache_hit")) for each in chats]
    assert hits == [False, True]
    assert [each["gen_ai.usage.cost.amount"] for each in chats] == [5.0, 0.0]
    total = durable.costs().total
    assert (total.calls, total.tokens["input"]) == (2, 3)
    assert total.cost == 5
