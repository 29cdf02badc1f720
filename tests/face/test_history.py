"""Chains with a history that persists, which is written to between the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory

from langchain_durable import Durable
from tests.fakes import Failing, Model


class Kept(BaseChatMessageHistory):
    """Reads and writes inside of ``durable.step``, as the README says."""

    def __init__(self, durable: Durable, written: list[BaseMessage]) -> None:
        self._durable = durable
        self._written = written

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # as LangChain's own do
        return self._durable.step(self._written.copy)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self._durable.step(self._written.extend, messages)

    def clear(self) -> None:
        self._written.clear()


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("loop", [False, True], ids=["sync", "async"])
async def test_a_history_that_reads_and_writes_in_steps_has_a_turn_once(
    durable: Durable, loop: bool
) -> None:
    model, written, broken = Model(), list[BaseMessage](), [Failing()]

    def history() -> BaseChatMessageHistory:
        return Kept(durable, written)

    def then_fails_once(message: BaseMessage) -> Any:
        if broken:
            raise broken.pop()
        return message.text

    remembering = RunnableWithMessageHistory(model, history, history_factory_config=[])
    chain = durable.wrap(remembering | RunnableLambda(then_fails_once))

    async def call() -> Any:
        config = durable.config("run")
        return await chain.ainvoke("a", config) if loop else chain.invoke("a", config)

    with pytest.raises(Failing):
        await call()
    assert await call() == "<a>"
    assert [message.text for message in written] == ["a", "<a>"]
    assert model.calls == 1
