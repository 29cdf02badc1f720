"""Example programs of single calls: models, retrievers, tools, and chains of them."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_openai import OpenAI
from pydantic import SecretStr

from tests.fakes import Model
from tests.spans.official.parts import add, fake, openai, weather


class NoName(BaseChatModel):
    """A model that says nothing about itself."""

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("ok"))])

    @property
    def _llm_type(self) -> str:
        return "no-name"


class Counted(BaseChatModel):
    """A model that reports every kind of token, and where its answer came from."""

    model: str = "models/gemini-omni"
    usage: Any = None
    response: dict[str, Any] = {}  # noqa: RUF012  pydantic copies it
    provider: str = "google_genai"

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        message = AIMessage("ok", usage_metadata=self.usage, response_metadata=self.response)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _get_ls_params(self, stop: Any = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop, **kwargs), "ls_provider": self.provider}

    @property
    def _llm_type(self) -> str:
        return "counted"


def chat(url: str, config: RunnableConfig) -> Any:
    model = openai(
        url,
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=50,
        seed=7,
        n=1,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        stop_sequences=["END"],
    )
    return model.invoke([SystemMessage("Be short."), HumanMessage("Hello")], config)


def chat_stop(url: str, config: RunnableConfig) -> Any:
    return openai(url).invoke("Hello", config, stop=["A", "B"])


def choices(url: str, config: RunnableConfig) -> Any:
    return openai(url).generate([[HumanMessage("Hello")]], callbacks=config.get("callbacks"))


def chat_stream(url: str, config: RunnableConfig) -> Any:
    return list(openai(url, stream_usage=True).stream("Hello", config))


def chat_astream(url: str, config: RunnableConfig) -> Any:
    async def go() -> list[Any]:
        return [chunk async for chunk in Model(model="fake-1").astream("Hello", config)]

    return asyncio.run(go())


def responses(url: str, config: RunnableConfig) -> Any:
    return openai(url, use_responses_api=True).invoke("Hello", config)


def chain(url: str, config: RunnableConfig) -> Any:
    prompt = ChatPromptTemplate.from_messages([("user", "{text}")])
    return (prompt | openai(url) | StrOutputParser()).invoke({"text": "Hello"}, config)


def named_prompt(url: str, config: RunnableConfig) -> Any:
    prompt = ChatPromptTemplate([("user", "{text}")], name="greeting")
    chain: Runnable[Any, str] = (prompt | openai(url) | StrOutputParser()).with_config(
        run_name="greet"
    )
    return chain.invoke({"text": "Hello"}, config)


class Shelf(BaseRetriever):
    """A retriever that says which store it stands on."""

    scored: bool = False
    empty: bool = False

    def _get_ls_params(self, **kwargs: Any) -> Any:
        store = {"ls_vector_store_provider": "chroma", "ls_embedding_model": "embed-3"}
        return {**super()._get_ls_params(**kwargs), **store}

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        if self.empty:
            raise LookupError("nothing on the shelf")
        heron = Document("A heron", id="doc-1", metadata={"score": 0.5} if self.scored else {})
        return [heron, Document("A stone")]


class Plain(Shelf):
    """A retriever that says nothing about itself."""

    def _get_ls_params(self, **kwargs: Any) -> Any:
        return {}


def retriever(url: str, config: RunnableConfig) -> Any:
    return Shelf(scored=True).invoke("bird", config)


def plain_retriever(url: str, config: RunnableConfig) -> Any:
    return Plain().invoke("bird", config)


def rag(url: str, config: RunnableConfig) -> Any:
    prompt = ChatPromptTemplate.from_messages([("user", "{docs}")])
    return ({"docs": Shelf()} | prompt | fake("bird")).invoke("bird", config)


def failing_retriever(url: str, config: RunnableConfig) -> Any:
    return Shelf(empty=True).invoke("bird", config)


def tool_alone(url: str, config: RunnableConfig) -> Any:
    call = {"name": "add", "args": {"left": 1, "right": 2}, "id": "call-1", "type": "tool_call"}
    return add.invoke(call, config)


def tool_without_call(url: str, config: RunnableConfig) -> Any:
    return weather.invoke("Oslo", config)


def stream_error(url: str, config: RunnableConfig) -> Any:
    return list(openai(url).stream("Hello", config))


def completion(url: str, config: RunnableConfig) -> Any:
    model = OpenAI(
        base_url=url, api_key=SecretStr("test"), model="gpt-3.5-turbo-instruct", max_retries=0
    )
    return model.invoke("Hello", config)


def completion_without_name(url: str, config: RunnableConfig) -> Any:
    return FakeListLLM(responses=["ok"]).invoke("Hello", config)


def no_name(url: str, config: RunnableConfig) -> Any:
    return NoName().invoke("Hello", config)


def gemini(url: str, config: RunnableConfig) -> Any:
    usage = {
        "input_tokens": 100,
        "output_tokens": 40,
        "total_tokens": 140,
        "input_token_details": {"cache_read": 30, "audio": 20, "text": 80, "image": 0},
        "output_token_details": {"reasoning": 10, "audio": 5},
    }
    response = {"model_name": "gemini-omni-001", "finish_reason": "STOP", "id": "resp-1"}
    return Counted(usage=usage, response=response).invoke("Hello", config)


def anthropic(url: str, config: RunnableConfig) -> Any:
    details = {"cache_read": 0, "cache_creation": 0, "ephemeral_5m_input_tokens": 7}
    usage = {
        "input_tokens": 100,
        "output_tokens": 40,
        "total_tokens": 140,
        "input_token_details": {**details, "ephemeral_1h_input_tokens": 4},
    }
    response = {"model": "claude-x", "stop_reason": "end_turn", "id": "msg_1"}
    model = Counted(model="claude-x", usage=usage, response=response, provider="anthropic")
    return model.invoke("Hello", config)


def bedrock(url: str, config: RunnableConfig) -> Any:
    response = {"stopReason": "max_tokens"}
    return Counted(model="nova", response=response, provider="amazon_bedrock").invoke("Hi", config)


def content(url: str, config: RunnableConfig) -> Any:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    said: list[Any] = [{"type": "text", "text": "What is this?"}, picture]
    messages = [
        SystemMessage("Be short."),
        HumanMessage(said),
        AIMessage(
            "",
            tool_calls=[
                {"name": "add", "args": {"left": 1}, "id": "call-0", "type": "tool_call"},
            ],
        ),
    ]
    messages.append(ToolMessage("3", tool_call_id="call-0"))
    return openai(url).bind_tools([add]).invoke(messages, config)


class Remembering(BaseCache):
    """A cache that has every answer already."""

    def lookup(self, prompt: str, llm_string: str) -> Any:
        usage: Any = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        return [ChatGeneration(message=AIMessage("ok", usage_metadata=usage))]

    def update(self, prompt: str, llm_string: str, return_val: Any) -> None:
        raise AssertionError

    def clear(self, **kwargs: Any) -> None:
        raise AssertionError


def cached(url: str, config: RunnableConfig) -> Any:
    return Model(model="fake-1", cache=Remembering()).invoke("Hello", config)


def azure(url: str, config: RunnableConfig) -> Any:
    response = {"finish_reason": "stop"}
    return Counted(model="gpt-4o", response=response, provider="azure").invoke("Hi", config)


def whole_numbers(url: str, config: RunnableConfig) -> Any:
    return openai(url, temperature=0, top_p=1).invoke("Hello", config)
