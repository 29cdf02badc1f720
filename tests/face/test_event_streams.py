"""Streams of events of wrapped runnables: each is one run, whatever the runnable forwards to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.output_parsers import StrOutputParser
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.tools import tool

from langchain_durable import Durable, DurableWarning, RunStatus
from tests.fakes import Model


class Whole(Model):
    """A model that does not stream."""

    disable_streaming: Any = True


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(query)]


class Own(Runnable[Any, Any]):
    """A runnable of the program that has no callbacks."""

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return Model().invoke(input, config).text


@tool
def look(where: str) -> str:
    """Look."""
    return where


def remembering(model: Model) -> Any:
    def history() -> InMemoryChatMessageHistory:
        return InMemoryChatMessageHistory()

    return RunnableWithMessageHistory(model, history, history_factory_config=[])


BINDINGS: dict[str, Any] = {
    "bind": lambda model: model.bind(stop=["z"]),
    "bind_tools": lambda model: model.bind_tools([look]),
    "with_config": lambda model: (model | StrOutputParser()).with_config(tags=["t"]),
    "with_retry": lambda model: model.with_retry(),
    "with_types": lambda model: model.with_types(output_type=str),
    "with_listeners": lambda model: model.with_listeners(on_end=lambda run: None),
    "history": remembering,
}

WHOLE: dict[str, tuple[Any, Any]] = {
    "model": (Whole(), "a"),
    "completion model": (FakeListLLM(responses=["b"]), "a"),
    "retriever": (Shelf(), "a"),
    "tool": (look, {"where": "a"}),
    "own": (Own(), "a"),
}


async def events(runnable: Any, given: Any, config: Any = None, version: str = "v2") -> list[Any]:
    stream: AsyncIterator[Any] = runnable.astream_events(given, config, version=version)
    return [(event["event"], event["name"]) async for event in stream]


@pytest.mark.filterwarnings("ignore:.*deprecated")
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("binding", BINDINGS)
async def test_events_of_what_forwards_to_another_are_durable(
    durable: Durable, binding: str, version: str
) -> None:
    model = Model()
    bare, wrapped = BINDINGS[binding](Model()), durable.wrap(BINDINGS[binding](model))

    assert await events(wrapped, "a", durable.config("run"), version) == await events(
        bare, "a", version=version
    )
    assert (await durable.aget("run")).status is RunStatus.COMPLETED
    await events(wrapped, "a", durable.config("run"), version)
    assert model.calls == 1


@pytest.mark.parametrize("whole", WHOLE)
async def test_events_of_what_does_not_stream_complete_its_run(
    durable: Durable, whole: str
) -> None:
    runnable, given = WHOLE[whole]
    seen = await events(durable.wrap(runnable), given, durable.config("run"))

    assert seen == await events(runnable, given)
    assert (await durable.aget("run")).status is RunStatus.COMPLETED


async def test_events_join_the_run_around_them(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(model.bind(stop=["z"]))

    async def program(text: str) -> int:
        return len(await events(wrapped, text)) + len(await events(wrapped, text))

    await durable.wrap(RunnableLambda(program)).ainvoke("a", durable.config("run"))
    assert [run.run_id for run in await durable.aruns()] == ["run"]
    assert len((await durable.aget("run")).steps) == model.calls == 2


@pytest.mark.filterwarnings("ignore:.*in beta")
async def test_events_of_a_wrapped_model_in_version_3_say_that_they_are_not_durable(
    durable: Durable,
) -> None:
    for wrapped in (durable.wrap(Model()), durable.wrap(Model().bind(stop=["z"]))):
        with pytest.warns(DurableWarning, match=r"stream_events\(version='v3'\)") as seen:
            assert wrapped.stream_events("a", durable.config("run"), version="v3").output.text
        assert [warning.filename for warning in seen] == [__file__]
        with pytest.warns(DurableWarning, match=r"astream_events\(version='v3'\)"):
            await wrapped.astream_events("a", durable.config("run"), version="v3")
    assert await durable.aruns() == []


@pytest.mark.filterwarnings("ignore:.*in beta")
async def test_they_are_recorded_in_a_run(durable: Durable) -> None:
    wrapped = durable.wrap(model := Model())
    for _ in range(2):
        async with durable.run("run"):
            assert wrapped.stream_events("a", version="v3").output.text == "<a>"
            assert await (await wrapped.astream_events("b", version="v3")).text == "<b>"
    assert model.calls == 2
