"""What durable runs make of the meters: real runs, and what a reader of the SDK then has."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pydantic import SecretStr

from langchain_durable import Durable, RunBusy, RunFenced
from langchain_durable.costs.pricing import once
from langchain_durable.events import StepEnded, Usage
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI
from tests.fakes import Failing, Model
from tests.metrics.reading import points_of
from tests.servers import Server

_numbers = itertools.count()

_A_DOLLAR = {"input": 1_000_000, "output": 1_000_000}
PRICES = {"fake": _A_DOLLAR, "gpt-4o": {"input": 2, "output": 8}}
"""A US dollar for each token of the fake model, so that sums are read at a glance."""


class Silent(Model):
    """A model whose streams say nothing of tokens."""

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        self.prompts.append(args[0])
        for word in ("four", "four"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=word))
            time.sleep(0.02)


class Watched:
    """A handle on a journal in memory, whose metrics are read."""

    def __init__(self, **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.durable = Durable(
            f"memory://recorded-{next(_numbers)}", meter_provider=provider, prices=PRICES, **options
        )

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        return points_of(self.reader, name)

    def ended(self, run_id: str) -> list[StepEnded]:
        events = [entry.event for entry in self.durable.events(run_id)]
        return [event for event in events if isinstance(event, StepEnded)]


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    with made.durable:
        yield made


def test_a_stream_without_usage_has_an_estimated_price(watched: Watched) -> None:
    with watched.durable.run("run"):
        said = "".join(chunk.text for chunk in Silent().stream("eight ch"))
    assert said == "fourfour"
    # 8 characters are 2 tokens, and 3 more for the message; the answer is 2.
    [(labels, cost)] = watched.points("langchain_durable.cost")
    assert (labels["gen_ai.request.model"], cost) == ("fake", 7)
    [ended] = watched.ended("run")
    assert ended.usage is None
    assert watched.durable.costs().total.estimated == 7
    assert watched.points("langchain_durable.cost.unpriced_calls") == []
    [(_, seconds)] = watched.points("gen_ai.client.operation.time_per_output_chunk")
    assert 0.02 <= seconds < 1


class Absurd(Model):
    """A model that reports nonsense for its tokens."""

    usage: Any = None

    def _message(self, messages: list[BaseMessage]) -> AIMessage:
        message = super()._message(messages)
        message.usage_metadata = self.usage
        return message


@pytest.mark.parametrize("absurd", [-5, 1.5, float("nan"), "5", True, 10**20])
def test_a_usage_that_makes_no_sense_has_no_price_and_is_said_once(
    watched: Watched, caplog: pytest.LogCaptureFixture, absurd: Any
) -> None:
    once.said.clear()
    model = Absurd(usage={"input_tokens": absurd, "output_tokens": 10, "total_tokens": 10})
    with watched.durable.run("run"):
        for prompt in ("a", "b"):
            assert model.invoke(prompt).text == f"<{prompt}>"
    assert watched.points("langchain_durable.cost") == []
    [(labels, count)] = watched.points("langchain_durable.cost.unpriced_calls")
    assert (labels["langchain_durable.reason"], count) == ("bad_usage", 2)
    assert watched.points("gen_ai.client.token.usage") == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert watched.durable.costs().total.unpriced == {"bad_usage": 2}
    assert [ended.usage for ended in watched.ended("run")] == [Usage(), Usage()]


class Deployed(Model):
    """A model that is named by what LangSmith is told of it only, as a deployment of Azure's is."""

    deployment: str = ""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {}

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {"ls_provider": "azure", "ls_model_name": self.deployment, "ls_model_type": "chat"}


def test_journal_and_metrics_call_a_model_by_the_same_name(watched: Watched) -> None:
    names = ["gpt-4o", "fake"]
    for broken in (True, False):
        with suppress(Failing), watched.durable.run("run"):
            for name in names:
                Deployed(deployment=name).invoke(name)
            if broken:
                raise Failing
    spent = {name: float(row.cost) for name, row in watched.durable.costs().by("model").items()}
    assert sorted(spent) == sorted(names)
    for metric in ("langchain_durable.cost", "langchain_durable.cost.saved"):
        measured = {labels["gen_ai.request.model"]: usd for labels, usd in watched.points(metric)}
        assert measured == spent


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI([Rule(when="bees", says="They hum.")]) as made:
        yield made


@pytest.mark.parametrize("asked", [False, True])
def test_a_server_is_asked_for_the_usage_of_a_stream(server: ScriptedOpenAI, asked: bool) -> None:
    model = ChatOpenAI(model="gpt-4o", base_url=server.url, api_key=SecretStr("none"))
    watched = Watched(stream_usage=asked)
    with watched.durable, watched.durable.run("run"):
        list(model.stream("bees"))
    [ended] = watched.ended("run")
    assert (ended.usage is not None) is asked
    assert (watched.durable.costs().total.estimated > 0) is not asked


@pytest.mark.parametrize("asked", [False, True])
def test_who_says_what_is_to_be_asked_is_heard(server: ScriptedOpenAI, asked: bool) -> None:
    model = ChatOpenAI(
        model="gpt-4o",
        base_url=server.url,
        api_key=SecretStr("none"),
        stream_usage=not asked,
    )
    watched = Watched(stream_usage=asked)
    with watched.durable, watched.durable.run("run"):
        list(model.stream("bees"))
    [ended] = watched.ended("run")
    assert (ended.usage is not None) is not asked


def test_a_crash_and_the_call_it_had_made_again(make_durable: Any, journal_server: Server) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    durable = make_durable(meter_provider=provider, prices=PRICES)
    child = [sys.executable, "-m", "tests.metrics.killed"]
    killed = subprocess.run([*child, journal_server.url, durable.connector.prefix], check=False)
    assert killed.returncode == -signal.SIGKILL

    with durable.run("run"):
        Model().invoke("a")
        Model().invoke("b")

    status = "langchain_durable.status"
    assert points_of(reader, "langchain_durable.runs") == [
        ({status: "completed"}, 1),
        ({status: "crashed"}, 1),
    ]
    # 3 tokens in, 2 out. The child had no prices, so nothing is known to be saved.
    assert points_of(reader, "langchain_durable.cost.wasted") == [({}, 5)]
    assert [cost for _, cost in points_of(reader, "langchain_durable.cost")] == [5]


async def test_a_lease_that_is_lost_is_counted(make_durable: Any) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    slow = make_durable(lease=0.5, meter_provider=provider)
    quick = make_durable(lease=0.5, prefix=slow.connector.prefix)

    def take_over() -> None:
        while True:
            # A renewal may have been under way when the loop was blocked; there comes no other.
            with suppress(RunBusy), quick.run("run"):
                quick.step(str, "second")
                return

    with pytest.raises(RunFenced):
        async with slow.run("run"):
            await slow.astep(asyncio.sleep, 0, "first")
            other = threading.Thread(target=take_over)
            other.start()
            other.join()  # blocks the loop: the lease is not renewed
            await slow.astep(asyncio.sleep, 0, "third")
    assert points_of(reader, "langchain_durable.leases.lost") == [({}, 1)]


def test_waits_for_the_journal_are_timed(watched: Watched) -> None:
    with watched.durable.run("run"):
        watched.durable.step(str, 1)
        watched.durable.step(str, 2)
    [(labels, seconds)] = watched.points("langchain_durable.journal.duration")
    assert labels == {}
    assert 0 < seconds < 1


def test_calls_are_told_apart_by_the_agent_that_makes_them() -> None:
    @tool
    def look(at: str) -> str:
        """Look at it."""
        return "seen"

    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        if len(messages) > 1:
            return "done"
        call = {"name": "look", "args": {"at": "it"}, "id": "call-1"}
        return AIMessage("", tool_calls=[call])

    watched = Watched(semconv_profile="next")
    with watched.durable as durable:
        agent: Any = durable.wrap(create_agent(Model(answer=answer), [look], name="scout"))
        agent.invoke({"messages": [("user", "look")]}, durable.config("run"))
    [(labels, cost)] = watched.points("langchain_durable.cost")
    assert (labels["gen_ai.agent.name"], cost) == ("scout", 10)
    named = {"gen_ai.agent.name": "scout"}
    assert watched.points("gen_ai.invoke_agent.inference_calls") == [(named, 2)]
    assert watched.points("gen_ai.invoke_agent.tool_calls") == [(named, 1)]


def test_what_a_replay_saves_is_the_agents_whose_call_it_was() -> None:
    broken = True

    @tool
    def look(at: str) -> str:
        """Look at it."""
        said = Model().invoke(at).text
        if broken:
            raise ValueError("dark")
        return said

    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        call = {"name": "look", "args": {"at": "it"}, "id": "call-1"}
        return "done" if len(messages) > 1 else AIMessage("", tool_calls=[call])

    watched = Watched()
    with watched.durable as durable:
        agent: Any = durable.wrap(create_agent(Model(answer=answer), [look], name="scout"))
        with pytest.raises(ValueError, match="dark"):
            agent.invoke({"messages": [("user", "look")]}, durable.config("run"))
        broken = False
        agent.invoke({"messages": [("user", "look")]}, durable.config("run"))
    [(labels, saved)] = watched.points("langchain_durable.cost.saved")
    assert (labels["gen_ai.agent.name"], saved) == ("scout", 5)
