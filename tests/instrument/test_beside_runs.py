"""Durable runs in a process whose calls are all observed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import BaseTool, tool
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import PrivateAttr

from langchain_durable import Durable, DurableCallbackHandler
from langchain_durable.instrumentor import DurableInstrumentor
from tests.conftest import MakeDurable
from tests.fakes import Model
from tests.instrument.conftest import PEER
from tests.instrument.stand_in import CHAT, chat
from tests.metrics.reading import Metered

TABLE = {"gpt-4o": {"input": 2.5, "output": 10}}


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


class Bare(BaseTool):
    """A tool whose method is not told which call it is made for."""

    name: str = "bare"
    description: str = "Look an order up."
    _calls: list[str] = PrivateAttr(default_factory=list)

    def _run(self, order: str) -> str:
        self._calls.append(order)
        return f"{order} is there"


def test_a_handlers_run_is_recorded_and_traced_once_where_calls_are_observed(
    instrumentor: DurableInstrumentor, make_durable: MakeDurable
) -> None:
    traced = Priced()
    instrumentor.instrument(prices=TABLE, **traced.providers)
    durable = make_durable(prices=TABLE, **traced.providers)
    model, look_up = Model(model="gpt-4o"), Bare()

    def work(text: str) -> str:
        return model.invoke(str(look_up.invoke({"order": text}))).text

    for _ in range(2):
        handler = DurableCallbackHandler(durable, run_id="run")
        RunnableLambda(work).invoke("a", {"callbacks": [handler]})
    assert (model.calls, look_up._calls) == (1, ["a"])
    assert sorted(span.name for span in traced.exporter.get_finished_spans()) == [
        "chat gpt-4o",
        "durable_attempt",
        "durable_run callback",
        "execute_tool bare",
        "invoke_workflow work",
    ]
    assert traced.counted() == ASKED
    work("b")
    assert [name for name, cost in traced.costs() if cost] == ["chat gpt-4o"] * 2


BATCHED = """
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor
    from langchain_durable import Durable
    from tests.fakes import Model

    LangChainInstrumentor().instrument(skip_dep_check=True)
    with Durable("memory://") as durable:
        print(*[said.text for said in Model().batch(["a", "b"])])
        with durable.run("run"):
            print(*[said.text for said in Model().batch(["c", "d"])])
"""


def test_batches_are_made_beside_the_official_instrumentor() -> None:
    command = [sys.executable, "-c", textwrap.dedent(BATCHED)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["<a>", "<b>", "<c>", "<d>"], done.stderr


class Peer(BaseCallbackHandler):
    """Traces model calls as another instrumentor of LangChain does, replayed or not."""

    run_inline = True

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(PEER)
        self._spans: dict[Any, Any] = {}

    def on_chat_model_start(self, *args: Any, run_id: Any, **kwargs: Any) -> None:
        self._spans[run_id] = self._tracer.start_span("chat theirs", attributes=CHAT)

    def on_llm_end(self, *args: Any, run_id: Any, **kwargs: Any) -> None:
        self._spans.pop(run_id).end()


class Priced:
    """Spans and metrics of a process in which another instrumentor traces LangChain's calls."""

    def __init__(self) -> None:
        self.metered = Metered()
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.providers: Any = {
            "tracer_provider": self.provider,
            "meter_provider": self.metered.provider,
        }

    def costs(self) -> list[tuple[str, Any]]:
        """What stands on each span of a model call; each is given once."""
        spans = self.exporter.get_finished_spans()
        self.exporter.clear()
        found = [(s.name, (s.attributes or {}).get("gen_ai.usage.cost.amount")) for s in spans]
        return sorted(cost for cost in found if cost[0].startswith("chat"))

    def counted(self) -> float:
        return sum(value for _, value in self.metered.points("langchain_durable.cost"))


@pytest.fixture
def priced(instrumentor: DurableInstrumentor, peer: Any) -> Priced:
    made = Priced()
    instrumentor.instrument(prices=TABLE, **made.providers)
    return made


def test_a_call_of_a_run_that_another_traces_too_is_priced_and_counted_once(
    priced: Priced, make_durable: MakeDurable
) -> None:
    durable = make_durable(prices=TABLE, **priced.providers)
    model = durable.wrap(Model(model="gpt-4o"))
    config: Any = {**durable.config("run"), "callbacks": [Peer(priced.provider)]}

    model.invoke("a", config)
    assert priced.costs() == [("chat gpt-4o", ASKED), ("chat theirs", None)]
    [*model.stream("a", config)]  # of a completed run: each step is replayed
    assert priced.costs() == [("chat theirs", None)]
    assert priced.counted() == ASKED

    Model(model="gpt-4o").invoke("a", {"callbacks": [Peer(priced.provider)]})
    assert [name for name, cost in priced.costs() if cost] == ["chat theirs"]


ASKED = 0.0000275
"""What a call of the fake costs: 3 * 2.5 + 2 * 10 millionths of a dollar."""
CALLS: dict[str, Callable[[Model, Any], Any]] = {
    "invoke": lambda model, config: model.invoke("a", config),
    "ainvoke": lambda model, config: asyncio.run(model.ainvoke("a", config)),
    "stream": lambda model, config: [*model.stream("a", config)],
    "batch": lambda model, config: model.batch(["a"], config),
    "chain": lambda model, config: (RunnableLambda(str) | model).invoke("a", config),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_of_a_handlers_run_that_another_traces_too_is_priced_and_counted_once(
    call: Callable[[Model, Any], Any], priced: Priced, make_durable: MakeDurable
) -> None:
    durable = make_durable(prices=TABLE, **priced.providers)
    model = Model(model="gpt-4o")

    def config() -> Any:
        handler = DurableCallbackHandler(durable, run_id="run")
        return {"callbacks": [handler, Peer(priced.provider)]}

    call(model, config())
    assert priced.costs() == [("chat gpt-4o", ASKED), ("chat theirs", None)]
    call(model, config())
    assert priced.costs() == [("chat theirs", None)], "it is replayed, and costs nothing"
    assert priced.counted() == ASKED


def test_a_call_beside_a_handlers_run_is_priced(priced: Priced, make_durable: MakeDurable) -> None:
    durable = make_durable(prices=TABLE, **priced.providers)
    model = Model(model="gpt-4o")
    stream = model.stream("a", {"callbacks": [DurableCallbackHandler(durable)]})
    next(stream)
    model.invoke("b", {"callbacks": [Peer(priced.provider)]})
    assert priced.costs() == [("chat theirs", 0.0035)]
    list(stream)
    assert priced.costs() == [("chat gpt-4o", ASKED)]


def test_a_call_of_a_run_that_nothing_prices_is_priced_by_the_instrumentor(
    priced: Priced, make_durable: MakeDurable
) -> None:
    durable = make_durable(prices=False, **priced.providers)
    with durable.run("run"):
        chat(priced.provider, PEER)
    assert priced.costs() == [("chat gpt-4o", 0.0035)]


def test_a_models_sdk_that_a_tool_of_a_run_calls_is_priced(
    priced: Priced, make_durable: MakeDurable
) -> None:
    durable = make_durable(prices=TABLE, **priced.providers)

    @tool
    def summarize() -> str:
        """Ask a model without LangChain."""
        chat(priced.provider, "opentelemetry.instrumentation.openai")
        return "short"

    with durable.run("run"):
        summarize.invoke({})
    assert priced.costs() == [("chat gpt-4o", 0.0035)]
    assert priced.counted() == 0.0035
