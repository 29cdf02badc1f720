"""Calls that LangChain makes at once: which is which, whatever order they arrive in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableParallel

from langchain_durable import Durable, DurableCallbackHandler, DurableWarning
from tests.conftest import MakeDurable
from tests.fakes import Failing, Model

BOTH = ["france", "spain"]


class Arriving(Runnable[str, str]):
    """Has calls made in the order that ``order`` says; what is not named there fails."""

    def __init__(self, call: Runnable[str, str]) -> None:
        self.call = call
        self.order: list[str] = []
        self._turn = threading.Condition()

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        with self._turn:
            assert self._turn.wait_for(lambda: input in self.order[:1] or not self.order, 10)
            if not self.order:
                raise Failing(input)
            said = self.call.invoke(input, config)
            self.order.pop(0)
            self._turn.notify_all()
        return said


class Asking(BaseRetriever):
    """A retriever that does not hand its callbacks on to what it calls."""

    ask: Any
    texts: list[str]

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(text) for text in self.ask.batch(self.texts)]


class Batching(Runnable[list[str], list[str]]):
    """A part of a program that LangChain reports no call of."""

    def __init__(self, ask: Any) -> None:
        self.ask = ask

    def invoke(
        self, input: list[str], config: RunnableConfig | None = None, **kwargs: Any
    ) -> list[str]:
        said: list[str] = self.ask.batch(input, config)
        return said


def joined(documents: list[Document]) -> list[str]:
    return [document.page_content for document in documents]


async def completed_on_a_loop(wrapped: Any, config: Any) -> list[str]:
    return [said async for _, said in wrapped.abatch_as_completed(BOTH, config)]


def streamed(durable: Durable, ask: Any) -> list[str]:
    """Two retrievers side by side, which make a call each."""
    both: Any = {text: Asking(ask=ask, texts=[text]) for text in BOTH}
    pieces = durable.wrap(RunnableParallel(both)).stream("q", durable.config("run"))
    return [text for piece in pieces for found in piece.values() for text in joined(found)]


def by_callback(durable: Durable, ask: Any) -> list[str]:
    handler = DurableCallbackHandler(durable, run_id="run")
    said: list[str] = ask.batch(BOTH, {"callbacks": [handler]})
    return said


def wrapped(call: Callable[[Any, Any], Any], make: Callable[[Any], Any] = lambda ask: ask) -> Any:
    return lambda durable, ask: call(durable.wrap(make(ask)), durable.config("run"))


AT_ONCE: dict[str, Callable[[Durable, Any], list[str]]] = {
    "batch": wrapped(lambda program, config: program.batch(BOTH, config)),
    "abatch": wrapped(lambda program, config: asyncio.run(program.abatch(BOTH, config))),
    "completed": wrapped(
        lambda program, config: [said for _, said in program.batch_as_completed(BOTH, config)]
    ),
    "completed on a loop": wrapped(
        lambda program, config: asyncio.run(completed_on_a_loop(program, config))
    ),
    "with a callback": by_callback,
    "map": wrapped(
        lambda program, config: program.invoke(BOTH, config),
        lambda ask: RunnableLambda(list) | ask.map(),
    ),
    "in a function": wrapped(
        lambda program, config: program.invoke(BOTH, config),
        lambda ask: RunnableLambda(lambda texts: ask.batch(texts)),
    ),
    "with a fallback": wrapped(
        lambda program, config: program.invoke(BOTH, config),
        lambda ask: Batching(ask).with_fallbacks([Batching(ask)], exceptions_to_handle=(KeyError,)),
    ),
    "in a step of a chain": wrapped(
        lambda program, config: program.invoke("q", config),
        lambda ask: Asking(ask=ask, texts=BOTH) | RunnableLambda(joined),
    ),
    "parts of a stream": streamed,
}


@pytest.mark.parametrize("item", ["chain", "function"])
@pytest.mark.parametrize("kind", [*AT_ONCE])
def test_a_call_that_arrives_first_takes_no_answer_of_another(
    make_durable: MakeDurable, kind: str, item: str
) -> None:
    model = Model()
    text: Any = RunnableLambda(lambda message: message.text)
    function: Any = RunnableLambda(lambda q: model.invoke(q).text)
    ask = Arriving(model | text if item == "chain" else function)
    ask.order = ["france"]
    with pytest.raises(Failing):
        AT_ONCE[kind](make_durable(), ask)
    assert model.calls == 1

    ask.order = ["spain", "france"]
    assert sorted(AT_ONCE[kind](make_durable(), ask)) == ["<france>", "<spain>"]

    assert [prompt[0].content for prompt in model.prompts] == ["france", "spain"]


def test_within_an_item_of_a_batch_a_call_is_known_by_its_place(make_durable: MakeDurable) -> None:
    model, time = Model(), ["noon"]
    # A batch drops the items that it has not begun when one of them fails.
    answered = threading.Barrier(2)

    def program(text: str) -> str:
        said = model.invoke(f"{text} at {time[0]}").text
        if time[0] == "noon":
            answered.wait(10)
            raise Failing
        return said

    def asked() -> list[str]:
        durable = make_durable()
        return durable.wrap(RunnableLambda(program)).batch(BOTH, durable.config("run"))

    with pytest.raises(Failing):
        asked()
    time[0] = "one"
    with pytest.warns(DurableWarning, match="another input"):
        assert asked() == ["<france at noon>", "<spain at noon>"]
    assert model.calls == 2


def test_what_comes_after_a_batch_is_known_by_its_place(make_durable: MakeDurable) -> None:
    model, time = Model(), ["noon"]

    def program(texts: list[str]) -> str:
        said = ask.batch(texts)
        said.append(ask.invoke(f"both at {time[0]}"))
        if time[0] == "noon":
            raise Failing
        return " ".join(said)

    def asked() -> str:
        durable = make_durable()
        return durable.wrap(RunnableLambda(program)).invoke(BOTH, durable.config("run"))

    ask = Arriving(RunnableLambda(lambda text: model.invoke(text).text))
    ask.order = [*BOTH, "both at noon"]
    with pytest.raises(Failing):
        asked()
    time[0], ask.order = "one", ["spain", "france", "both at one"]
    with pytest.warns(DurableWarning, match="another input"):
        assert asked() == "<france> <spain> <both at noon>"
    assert model.calls == 3
