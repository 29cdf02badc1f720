"""Custom events of tools: their listeners hear of them in every attempt."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from langchain_core.callbacks import (
    BaseCallbackHandler,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tools import tool

from langchain_durable import Durable, DurableWarning
from tests.fakes import Failing

calls: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_called() -> None:
    calls.clear()


@tool
def look(where: str) -> str:
    """Look somewhere."""
    calls.append(where)
    for percent in (50, 100):
        dispatch_custom_event("progress", {"where": where, "percent": percent})
    return f"seen {where}"


@tool
async def alook(where: str) -> str:
    """Look somewhere."""
    calls.append(where)
    for percent in (50, 100):
        await adispatch_custom_event("progress", {"where": where, "percent": percent})
    return f"seen {where}"


@tool
def look_at_a_lock(where: str) -> str:
    """Look somewhere, and tell of it with something that no journal can carry."""
    calls.append(where)
    dispatch_custom_event("progress", threading.Lock())
    dispatch_custom_event("progress", "done")
    return f"seen {where}"


def then_fails_once(first: Any) -> Runnable[Any, Any]:
    failed: list[bool] = []

    def once(seen: str) -> str:
        if not failed:
            failed.append(True)
            raise Failing
        return seen.upper()

    chain: Runnable[Any, Any] = first | RunnableLambda(once)
    return chain


class Listener(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self.heard.append((name, data))


PROGRESS = [("progress", {"where": "here", "percent": percent}) for percent in (50, 100)]


def test_a_replayed_tool_dispatches_its_custom_events_again(durable: Durable) -> None:
    chain = durable.wrap(then_fails_once(look))
    first, second = Listener(), Listener()

    with pytest.raises(Failing):
        chain.invoke({"where": "here"}, {**durable.config("run"), "callbacks": [first]})
    answer = chain.invoke({"where": "here"}, {**durable.config("run"), "callbacks": [second]})

    assert answer == "SEEN HERE"
    assert calls == ["here"]
    assert first.heard == second.heard == PROGRESS


@pytest.mark.parametrize("looks", [look, alook], ids=["sync tool", "async tool"])
def test_they_come_in_the_events_of_a_resumed_run(durable: Durable, looks: Any) -> None:
    chain = durable.wrap(then_fails_once(looks))

    async def heard() -> list[Any]:
        events = chain.astream_events({"where": "here"}, durable.config("run"), version="v2")
        return [
            (event["name"], event["data"])
            async for event in events
            if event["event"] == "on_custom_event"
        ]

    async def twice() -> list[Any]:
        with pytest.raises(Failing):
            await heard()
        return await heard()

    assert asyncio.run(twice()) == PROGRESS
    assert calls == ["here"]


def test_one_that_cannot_be_journaled_does_not_cost_the_tool_its_result(durable: Durable) -> None:
    chain = durable.wrap(then_fails_once(look_at_a_lock))
    again = Listener()

    with pytest.warns(DurableWarning, match="look_at_a_lock"), pytest.raises(Failing):
        chain.invoke({"where": "here"}, durable.config("run"))
    answer = chain.invoke({"where": "here"}, {**durable.config("run"), "callbacks": [again]})

    assert answer == "SEEN HERE"
    assert calls == ["here"]
    assert again.heard == [("progress", "done")]
