"""What a run that is over leaves in memory: nothing that waits for the garbage collector."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from langchain_durable import Durable
from tests.fakes import Model

pytestmark = pytest.mark.usefixtures("no_collection")


def text_of(message: AIMessage) -> str:
    return message.text


async def test_the_tasks_that_calls_were_made_in_are_gone(durable: Durable) -> None:
    model = Model()
    tasks: weakref.WeakSet[Any] = weakref.WeakSet()

    def note(word: str) -> str:
        tasks.add(asyncio.current_task())
        return word

    async def noted(word: str) -> str:
        return note(word)

    chain: Any = RunnableLambda(note, noted) | model | text_of | noted

    async def program(word: str) -> str:
        await chain.ainvoke(word)
        return note("done")

    async def block() -> None:
        async with durable.run("block"):
            await chain.ainvoke("france")
            note("done")

    await asyncio.create_task(durable.wrap(RunnableLambda(program)).ainvoke("spain"))
    await asyncio.create_task(block())
    await asyncio.sleep(0)  # by now the loop itself has let go of the last one

    assert not tasks


def test_what_a_run_was_given_is_gone(durable: Durable) -> None:
    program = durable.wrap(RunnableLambda(lambda document: document.page_content))
    given = Document("France")
    left = weakref.ref(given)

    assert program.invoke(given) == "France"
    del given

    assert left() is None
