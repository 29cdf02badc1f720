"""The types that programs see, pinned: checked by mypy --strict, never run.

A change that this file does not survive is a change for users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, assert_type
from uuid import UUID

from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableConfig, RunnableSequence
from langchain_core.tools import BaseTool, tool
from langgraph.graph import MessagesState, StateGraph
from opentelemetry.trace import TracerProvider
from redis import Redis

from langchain_durable import (
    Checkpoint,
    CostSpanProcessor,
    Durable,
    DurableCallbackHandler,
    Entry,
    Header,
    Outcome,
    Pricing,
    Retention,
    Run,
    RunBusy,
    RunInputMismatch,
    RunStatus,
    StepKind,
    StreamCut,
    flush_on_sigterm,
    idempotency_key,
    in_doubt,
)
from langchain_durable.costs import Ledger


def a_handle_is_made_of_a_url_a_client_or_nothing(client: Redis, clean: Any) -> None:
    assert_type(Durable(), Durable)
    assert_type(Durable("redis://localhost:6379/0"), Durable)
    assert_type(Durable(client), Durable)
    Durable(
        durability="async",
        drift="raise",
        version="2",
        prefix="shop",
        lease=10.0,
        retry_for=30.0,
        retention=Retention(),
        allow=(UUID,),
        redact=clean,
        encryption_key=b"0" * 32,
        previous_keys=(b"1" * 32,),
        max_value_bytes=2**20,
        require_finish_reason=False,
    )
    Durable(durability="eventually")  # type: ignore[arg-type]  # the mistake that is pinned


def a_wrapped_runnable_keeps_its_type(durable: Durable) -> None:
    model = FakeListChatModel(responses=["yes"])
    assert_type(durable.wrap(model), FakeListChatModel)
    chain = RunnableSequence[str, str](model, StrOutputParser())
    wrapped = durable.wrap(chain, name="answer", version="2")
    assert_type(wrapped, RunnableSequence[str, str])
    assert_type(wrapped.invoke("Well?", durable.config("run-1")), str)
    durable.wrap(len)  # type: ignore[type-var]  # the mistake that is pinned


def a_wrapped_graph_is_a_graph(durable: Durable) -> None:
    graph = StateGraph(MessagesState).compile()
    graph = durable.wrap(graph)
    graph.get_state(durable.config("run-1", thread_id="thread-1"))


def a_config_names_a_run(durable: Durable) -> None:
    assert_type(durable.config(), RunnableConfig)
    assert_type(durable.config("run-1", thread_id="thread-1"), RunnableConfig)
    DurableCallbackHandler(durable)
    assert_type(DurableCallbackHandler(durable, run_id="run-1").run_id, str)


def work(number: int, *, twice: bool = False) -> str:
    return str(number) * (1 + twice)


async def awork(number: int) -> str:
    return str(number)


def a_block_is_a_run(durable: Durable) -> None:
    with durable.run("run-1", input={"order": 42}, metadata={"customer": "ada"}) as run:
        assert_type(run, Run)
        assert_type(run.run_id, str)
        assert_type(run.attempt, int)
        assert_type(run.resumed, bool)
        assert_type(run.replayed, int)
        assert_type(run.executed, int)
        assert_type(run.bind(work)(1, twice=True), str)
        assert_type(durable.step(work, 1, twice=True), str)
        assert_type(durable.now(), float)
        assert_type(durable.random(), float)
        assert_type(durable.uuid(), UUID)
        durable.step(work, "1")  # type: ignore[arg-type]  # the mistake that is pinned


async def a_block_is_a_run_for_async_code_too(durable: Durable) -> None:
    async with durable.run("run-1") as run:
        assert_type(run, Run)
        assert_type(await durable.astep(awork, 1), str)


def runs_are_read_by_their_ids(durable: Durable) -> None:
    assert_type(durable.runs(status="failed", limit=10), Sequence[Header])
    assert_type(durable.runs(status=RunStatus.PAUSED), Sequence[Header])
    assert_type(durable.header("run-1"), Header)
    assert_type(durable.get("run-1"), Checkpoint)
    assert_type(durable.events("run-1", after=3), Sequence[Entry])
    assert_type(durable.cancel("run-1"), Header)
    durable.resume("run-1")
    durable.resume("run-1", FakeListChatModel(responses=[]))
    durable.resolve("run-1", "0a1b")
    durable.resolve("run-1", "0a1b", "paid")
    assert_type(durable.export("run-1"), int)
    assert_type(durable.costs(since=date(2026, 1, 1)), Ledger)
    durable.delete("run-1")
    durable.close()


async def runs_are_read_by_async_code_too(durable: Durable) -> None:
    assert_type(await durable.aruns(), Sequence[Header])
    assert_type(await durable.aheader("run-1"), Header)
    assert_type(await durable.aget("run-1"), Checkpoint)
    assert_type(await durable.aevents("run-1"), Sequence[Entry])
    assert_type(await durable.acancel("run-1"), Header)
    await durable.aresume("run-1")
    await durable.aresolve("run-1", "0a1b", "paid")
    assert_type(await durable.aexport("run-1"), int)
    assert_type(await durable.acosts(), Ledger)
    await durable.adelete("run-1")
    await durable.aclose()


def a_handle_is_a_context_manager() -> None:
    with Durable() as durable:
        assert_type(durable, Durable)


async def a_handle_is_an_async_context_manager() -> None:
    async with Durable() as durable:
        assert_type(durable, Durable)


def spans_and_prices_are_the_apps(provider: TracerProvider) -> None:
    Durable(tracer_provider=provider, trace="linked", prices={"gpt-5-mini": {"input": 0.25}})
    Durable(prices="prices.json", tenant="customer")
    Durable(prices=False)
    assert_type(CostSpanProcessor(Pricing("prices.json")), CostSpanProcessor)
    restore = flush_on_sigterm(timeout=2.0)
    restore()


def a_checkpoint_holds(checkpoint: Checkpoint) -> None:
    assert_type(checkpoint.status, RunStatus)
    assert_type(checkpoint.step, int)
    assert_type(checkpoint.messages, tuple[BaseMessage, ...])
    assert_type(checkpoint.tool_results, Mapping[str, Any])
    assert_type(checkpoint.metadata, Mapping[str, Any])
    assert_type(checkpoint.created, int)
    for step in checkpoint.steps:
        assert_type(step.kind, StepKind)
        assert_type(step.outcome, Outcome | None)


def a_tool_says_what_a_crash_means_to_it() -> None:
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return assert_type(idempotency_key(), str)

    assert_type(in_doubt("ask")(pay), BaseTool)
    in_doubt("perhaps")  # type: ignore[arg-type]  # the mistake that is pinned


def errors_are_caught_by_what_happened(durable: Durable) -> AIMessage | None:
    model = durable.wrap(FakeListChatModel(responses=["yes"]))
    try:
        return model.invoke("Well?", durable.config("run-1"))
    except (RunBusy, RunInputMismatch) as exc:
        assert_type(exc.run_id, str)
        assert_type(exc.do, str)
    except StreamCut as exc:
        assert_type(exc.step, str)
        lost_connection: ConnectionError = exc
        print(lost_connection)
    return None
