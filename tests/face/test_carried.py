"""Answers that carry an object which is no answer: a parsed one, a document's vector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field, SecretStr

from langchain_durable import Durable
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI
from tests.fakes import Failing


class WithState(Document):
    """As the private class of langchain-community's embeddings filter."""

    state: dict[str, Any] = Field(default_factory=dict)


WithState.__module__ = "langchain_community.document_transformers"


class Review(BaseModel):
    stars: int = Field(alias="Stars")
    text: str


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI([Rule(says='{"Stars": 4, "text": "sweet"}')]) as started:
        yield started


@pytest.mark.filterwarnings("ignore:Pydantic serializer")  # the openai package's own
@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("mode", ["invoke", "stream"])
def test_a_parsed_answer_is_recorded(
    server: ScriptedOpenAI, durable: Durable, mode: str, raw: bool
) -> None:
    tag = f"{mode}-{raw}"
    model = ChatOpenAI(base_url=server.url, api_key=SecretStr(tag), model="m", max_retries=0)
    structured = model.with_structured_output(Review, include_raw=raw)
    failures = [Failing()]

    def judged(value: Any) -> Any:
        if failures:
            raise failures.pop()
        return value["parsed"] if raw else value

    program: Runnable[Any, Any] = durable.wrap(structured | RunnableLambda(judged))

    def review() -> Any:
        if mode == "invoke":
            return program.invoke("honey?", durable.config(tag))
        (*_, last) = program.stream("honey?", durable.config(tag))
        return last

    with pytest.raises(Failing):
        review()
    said = review()

    assert (type(said), said.stars, said.text) == (Review, 4, "sweet")
    assert len(server.requests(tag=tag)) == 1


class Shelf(BaseRetriever):
    """Finds a document that carries a vector, and counts how often."""

    asked: list[str] = Field(default_factory=list)

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        self.asked.append(query)
        return [WithState(page_content="bees", id="1", state={"vector": [0.5]})]


def test_documents_that_carry_a_vector_are_recorded_without_it(durable: Durable) -> None:
    shelf = Shelf()
    failures = [Failing()]

    def read(found: list[Document]) -> str:
        if failures:
            raise failures.pop()
        return " ".join(f"{document.id}: {document.page_content}" for document in found)

    program = durable.wrap(shelf | RunnableLambda(read))
    with pytest.raises(Failing):
        program.invoke("q", durable.config("run"))

    assert program.invoke("q", durable.config("run")) == "1: bees"
    assert shelf.asked == ["q"]


def test_documents_that_carry_a_vector_are_a_runs_result(
    durable: Durable, caplog: pytest.LogCaptureFixture
) -> None:
    program = durable.wrap(RunnableParallel(found=Shelf(), question=RunnablePassthrough()))
    expected = {"found": [Document(page_content="bees", id="1")], "question": "q"}

    program.invoke("q", durable.config("run"))
    assert program.invoke("q", durable.config("run")) == expected
    assert durable.get("run").result == expected
    assert not caplog.messages
