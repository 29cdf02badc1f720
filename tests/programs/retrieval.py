"""Retrieval chains: a retriever that asks the server for embeddings, then a model."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

from langchain_durable.testing.embeddings import embed
from langchain_durable.testing.openai_server import Rule
from tests.programs.program import Program, Site

TEXTS = (
    "The heron stands in the reeds",
    "Granite is an igneous rock",
    "Bread rises with yeast",
)


def nearest(vector: list[float]) -> Document:
    """The text whose vector is nearest to this one."""

    def closeness(text: str) -> float:
        return sum(a * b for a, b in zip(vector, embed(text), strict=True))

    return Document(page_content=max(TEXTS, key=closeness))


class CountingRetriever(BaseRetriever):
    """Finds the text nearest to a query, whose vector comes from the server."""

    site: Any
    vectors: Embeddings

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        with self.site.call("library", query):
            return [nearest(self.vectors.embed_query(query))]


class AsyncCountingRetriever(CountingRetriever):
    """The same with an async method of its own."""

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        with self.site.call("library", query):
            return [nearest(await self.vectors.aembed_query(query))]


def _build(site: Site, retriever: type[CountingRetriever]) -> Runnable[Any, str]:
    library = retriever(site=site, vectors=site.embeddings("vectors"), name="library")
    model = site.model("retrieval")
    rewrite = ChatPromptTemplate.from_template("Rewrite: {question}") | model | StrOutputParser()
    reply = ChatPromptTemplate.from_template("Use {context} for {question}") | model
    context = (
        RunnableLambda(lambda given: given["question"])
        | library
        | RunnableLambda(lambda found: found[0].page_content)
    )
    return (
        rewrite
        | RunnableLambda(lambda text: {"question": text})
        | RunnablePassthrough.assign(context=context)
        | reply
        | StrOutputParser()
    )


_RULES = (
    Rule(model="retrieval", when=r"Rewrite: .*bird", says="the heron in the reeds"),
    Rule(model="retrieval", when=r"Use The heron (.*) for", says=r"It \1."),
)

RETRIEVAL = Program(
    name="retrieval",
    build=lambda site: _build(site, CountingRetriever),
    input={"question": "Where is that bird?"},
    answer="It stands in the reeds.",
    rules=_RULES,
)

ASYNC_RETRIEVAL = Program(
    name="async_retrieval",
    build=lambda site: _build(site, AsyncCountingRetriever),
    input={"question": "Where is that bird?"},
    answer="It stands in the reeds.",
    rules=_RULES,
)

PROGRAMS = (RETRIEVAL, ASYNC_RETRIEVAL)
