"""The instrumentor in a program that calls it."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable.costs import Price
from langchain_durable.instrumenting.peers import active_peers
from langchain_durable.instrumentor import DurableInstrumentor
from tests.instrument.conftest import OFFICIAL, PEER
from tests.instrument.stand_in import chat
from tests.metrics.reading import Metered

AMOUNT = "gen_ai.usage.cost.amount"
TABLE = {"openai/gpt-4o": {"input": 2.5, "output": 10}}
COST = 0.0035  # 1000 * 2.5 + 100 * 10 = 3500 millionths


class Traced:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def costs(self) -> list[Any]:
        spans = self.exporter.get_finished_spans()
        self.exporter.clear()
        return [(span.attributes or {}).get(AMOUNT) for span in spans]


@pytest.fixture
def traced() -> Traced:
    return Traced()


@pytest.fixture
def metered() -> Metered:
    return Metered()


@pytest.mark.usefixtures("peer")
class TestBesideAnother:
    """Another instrumentor traces LangChain's calls."""

    def test_its_spans_are_priced(self, instrumentor: DurableInstrumentor, traced: Traced) -> None:
        instrumentor.instrument(tracer_provider=traced.provider, prices=TABLE)
        chat(traced.provider)
        assert traced.costs() == [COST]

    def test_calls_are_not_traced_again(
        self, instrumentor: DurableInstrumentor, traced: Traced
    ) -> None:
        instrumentor.instrument(tracer_provider=traced.provider, prices=TABLE)
        FakeListChatModel(responses=["hello"]).invoke("hi")
        assert traced.costs() == []

    def test_a_warning_says_once_how_to_choose(
        self, instrumentor: DurableInstrumentor, caplog: pytest.LogCaptureFixture
    ) -> None:
        instrumentor.instrument(prices=TABLE)
        instrumentor.give_way()
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert PEER in caplog.text
        assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=langchain," in caplog.text

    def test_a_provider_is_priced_once_however_often_we_are_switched_on(
        self, instrumentor: DurableInstrumentor, traced: Traced
    ) -> None:
        prices: list[str] = []

        def book(name: str) -> Any:
            def price(*args: Any, **kwargs: Any) -> Price:
                prices.append(name)
                return Price(Decimal(1))

            return price

        for name in ("first", "second"):
            instrumentor.instrument(tracer_provider=traced.provider, prices=book(name))
            chat(traced.provider)
            instrumentor.uninstrument()
        chat(traced.provider)
        assert (prices, traced.costs()) == (["first", "second"], [1, 1, None])

    def test_its_calls_move_the_counters_of_cost(
        self, instrumentor: DurableInstrumentor, traced: Traced, metered: Metered
    ) -> None:
        instrumentor.instrument(
            tracer_provider=traced.provider,
            meter_provider=metered.provider,
            prices=TABLE,
        )
        chat(traced.provider, **{"gen_ai.agent.name": "writer"})
        chat(traced.provider, **{"gen_ai.request.model": "nobody-knows"})
        labels = {"gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai"}
        assert metered.points("langchain_durable.cost") == [
            ({**labels, "gen_ai.agent.name": "writer"}, COST)
        ]
        assert metered.points("langchain_durable.cost.unpriced_calls") == [
            (
                {
                    **labels,
                    "gen_ai.request.model": "nobody-knows",
                    "langchain_durable.reason": "unknown_model",
                },
                1,
            )
        ]

    @pytest.mark.usefixtures("official")
    def test_of_several_each_has_its_spans_priced_and_one_is_counted(
        self, instrumentor: DurableInstrumentor, traced: Traced, metered: Metered
    ) -> None:
        instrumentor.instrument(
            tracer_provider=traced.provider, meter_provider=metered.provider, prices=TABLE
        )
        for scope in (OFFICIAL, PEER):
            chat(traced.provider, scope)
        assert traced.costs() == [COST, COST]
        assert [value for _, value in metered.points("langchain_durable.cost")] == [COST]

    def test_our_own_spans_are_counted_by_their_tracer(
        self, instrumentor: DurableInstrumentor, traced: Traced, metered: Metered
    ) -> None:
        instrumentor.instrument(
            tracer_provider=traced.provider, meter_provider=metered.provider, prices=TABLE
        )
        ours = traced.provider.get_tracer("langchain_durable")
        ours.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
        assert metered.metrics() == {}

    def test_a_provider_that_is_not_the_sdks_is_left_alone(
        self, instrumentor: DurableInstrumentor, caplog: pytest.LogCaptureFixture
    ) -> None:
        instrumentor.instrument(tracer_provider=trace.NoOpTracerProvider(), prices=TABLE)
        FakeListChatModel(responses=["hello"]).invoke("hi")
        assert len(caplog.records) == 1  # that calls are traced by the other

    def test_what_other_instrumentors_are_given_is_taken(
        self, instrumentor: DurableInstrumentor, traced: Traced
    ) -> None:
        instrumentor.instrument(
            tracer_provider=traced.provider,
            prices=TABLE,
            skip_dep_check=True,
            logger_provider=None,
            something_new=1,
        )
        chat(traced.provider)
        assert traced.costs() == [COST]


def test_a_peer_that_is_imported_and_not_active_does_not_count(
    idle_peer: Any,
) -> None:
    assert active_peers() == []
    idle_peer.instrument(skip_dep_check=True)
    assert active_peers() == [PEER]
    idle_peer.uninstrument()
    assert active_peers() == []


def test_switched_off_nothing_happens(
    instrumentor: DurableInstrumentor,
    traced: Traced,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", " TRUE ")
    instrumentor.instrument(tracer_provider=traced.provider, prices=TABLE)
    FakeListChatModel(responses=["hello"]).invoke("hi")
    chat(traced.provider)
    assert traced.costs() == [None]
    assert not caplog.records


@pytest.mark.parametrize("wrong", [{"prices": 5}, {"tenant": ""}])
def test_a_wrong_option_is_logged_and_not_raised(
    instrumentor: DurableInstrumentor, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    instrumentor.instrument(**wrong)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    instrumentor.uninstrument()


def test_the_base_class_checks_that_langchain_is_there(
    instrumentor: DurableInstrumentor,
) -> None:
    (wanted,) = instrumentor.instrumentation_dependencies()
    assert wanted.startswith("langchain-core ")


class TestAlone:
    """No other instrumentor is active."""

    @pytest.fixture(autouse=True)
    def _alone(self) -> None:
        assert active_peers() == []

    def test_a_call_is_traced_until_we_are_switched_off(
        self, instrumentor: DurableInstrumentor, traced: Traced
    ) -> None:
        instrumentor.instrument(tracer_provider=traced.provider, prices=TABLE)
        model = FakeListChatModel(responses=["hello"])
        model.invoke("hi")
        assert len(traced.costs()) == 1
        instrumentor.uninstrument()
        model.invoke("hi")
        assert traced.costs() == []

    def test_it_gives_way_to_one_that_becomes_active_later(
        self,
        instrumentor: DurableInstrumentor,
        idle_peer: Any,
        traced: Traced,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        instrumentor.instrument(tracer_provider=traced.provider, prices=TABLE)
        idle_peer.instrument(skip_dep_check=True)
        model = FakeListChatModel(responses=["hello"])
        for _ in range(2):
            model.invoke("hi")
        chat(traced.provider)
        assert traced.costs() == [COST]
        assert len(caplog.records) == 1
