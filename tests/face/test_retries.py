"""``.with_retry()``: LangChain retries invoke and batch, and reports nothing of it in streams."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_durable import Durable, DurableCallbackHandler
from tests.conftest import MakeDurable
from tests.fakes import Failing, Model, calls, once_each

SAME: Runnable[Any, Any] = RunnableLambda(lambda text: text)
AT_ONCE: Any = {"wait_exponential_jitter": False}


async def called(runnable: Any, mode: str, config: Any) -> Any:
    if mode == "stream":
        return [*runnable.stream("q", config)]
    if mode == "astream":
        return [chunk async for chunk in runnable.astream("q", config)]
    return (
        await runnable.ainvoke("q", config) if mode == "ainvoke" else runnable.invoke("q", config)
    )


def retried(model: Model) -> dict[str, Runnable[Any, Any]]:
    text = StrOutputParser()
    chain: Any = SAME | model | text
    return {
        "chain": chain.with_retry(),
        "model": SAME | model.with_retry() | text,
        "model in a chain": (SAME | model.with_retry() | text).with_retry(),
        "place": SAME | chain.with_retry() | SAME,
        "named": chain.with_retry().with_config(run_name="named"),
        "name inside": chain.with_config(run_name="named").with_retry(),
        "bound": SAME | model.bind(stop=["z"]).with_retry() | text,
        "fallback": chain.with_retry().with_fallbacks([chain]),
        "with a fallback": chain.with_fallbacks([chain]).with_retry(),
        "model of a fallback": SAME | model.with_retry().with_fallbacks([model]) | text,
        "map": RunnableLambda(lambda text: [text, text]) | chain.with_retry().map(),
    }


@pytest.mark.parametrize("kind", [*retried(Model())])
async def test_a_retried_call_is_made_once_in_whatever_mode_its_run_goes_on(
    durable: Durable, kind: str
) -> None:
    for number, modes in enumerate(permutations(("invoke", "stream", "ainvoke", "astream"), 2)):
        model, fail = Model(), [True]

        def last(text: Any, fail: list[bool] = fail) -> Any:
            if fail:
                raise Failing(fail.pop())
            return text

        wrapped = durable.wrap(retried(model)[kind] | RunnableLambda(last))
        with pytest.raises(Failing):
            await called(wrapped, modes[0], durable.config(f"run-{number}"))
        made = model.calls
        await called(wrapped, modes[1], durable.config(f"run-{number}"))
        assert model.calls == made, modes


def flaky(model: Model, failures: dict[str, int]) -> Runnable[Any, Any]:
    """Fails after its call as often as it is told for an input."""

    def judge(text: str) -> str:
        if failures.get(text, 0) > 0:
            failures[text] -= 1
            raise ValueError(text)
        return text

    chain: Runnable[Any, Any] = SAME | model | StrOutputParser() | RunnableLambda(judge)
    return chain.with_retry(stop_after_attempt=3, **AT_ONCE)


def test_the_tries_of_a_call_are_calls_in_their_order(durable: Durable) -> None:
    model = Model()
    model.answer = lambda messages: f"answer {model.calls}"
    failures, fail = {"answer 1": 1, "answer 2": 1}, [True]

    def last(text: str) -> str:
        if fail:
            raise Failing(fail.pop())
        return text

    wrapped = durable.wrap(flaky(model, failures) | RunnableLambda(last))
    with pytest.raises(Failing):
        wrapped.invoke("q", durable.config("run"))
    assert model.calls == 3
    failures |= {"answer 1": 1, "answer 2": 1}

    assert wrapped.invoke("q", durable.config("run")) == "answer 3"
    assert model.calls == 3


@pytest.mark.parametrize("again", [False, True])
def test_items_of_a_batch_that_are_retried_stay_apart(durable: Durable, again: bool) -> None:
    prompts = [f"q{number % 4}" for number in range(8)]
    expected = [f"<{prompt}>" for prompt in prompts]
    failures, model = {"<q1>": 2, "<q2>": 1}, Model()
    wrapped = durable.wrap(SAME | flaky(model, failures) | SAME)
    if again:
        failures["<q3>"] = 99
        with pytest.raises(ValueError, match="q3"):
            wrapped.batch(prompts, durable.config("run"))
        failures.clear()
        failures |= {"<q1>": 2, "<q2>": 1}
        made = model.prompts.copy()
        assert wrapped.batch(prompts, durable.config("run")) == expected
        assert {str(new[0].content) for new in model.prompts[len(made) :]} <= {"q3"}
        return
    assert wrapped.batch(prompts, durable.config("run")) == expected
    assert model.calls == len(prompts) + 3


def test_a_retried_agent_is_an_agent_in_its_trace(make_durable: MakeDurable) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    durable, fail = make_durable(tracer_provider=provider), [True]

    @tool
    def flip(x: int) -> int:
        """Fails once."""
        if fail:
            raise ValueError(fail.pop())
        return x

    agent = create_agent(
        Model(answer=once_each(calls(("flip", {"x": 1})), "done")), [flip], name="flipper"
    )
    retrying: Any = agent.with_retry(**AT_ONCE)
    durable.wrap(retrying).invoke({"messages": [("human", "go")]}, durable.config("run"))
    names = [span.name for span in exporter.get_finished_spans()]

    assert names.count("invoke_agent flipper") == 1
    assert names.count("execute_tool flip") == 2


async def test_a_retried_call_of_a_callback_is_one_run(durable: Durable) -> None:
    for _ in range(2):
        failures, model = {"<q>": 2}, Model()
        config: Any = {"callbacks": [DurableCallbackHandler(durable, run_id="run")]}
        assert await asyncio.to_thread(flaky(model, failures).invoke, "q", config) == "<q>"
    assert model.calls == 0
    assert durable.get("run").step == 3
