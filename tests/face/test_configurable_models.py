"""Models of ``init_chat_model(configurable_fields=...)``, which choose the real one by the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.chat_models import init_chat_model

from langchain_durable import Durable, RunStatus
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI

SEARCH = {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
SHAPE = {"title": "shape", "type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture
def server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI([Rule(says='{"a": 1}')]) as server:
        yield server


def configurable(server: ScriptedOpenAI, fields: Any) -> Any:
    options: dict[str, Any] = {"api_key": "k", "base_url": server.url, "max_retries": 0}
    return init_chat_model("gpt-5", model_provider="openai", configurable_fields=fields, **options)


@pytest.mark.parametrize("fields", ["any", ("model",)])
async def test_a_configurable_model_is_wrapped(
    durable: Durable, server: ScriptedOpenAI, fields: Any
) -> None:
    plain = configurable(server, fields)
    wrapped = durable.wrap(plain)
    config = durable.config("run", model="chosen")

    assert wrapped.invoke("q", config).text == (await wrapped.ainvoke("q", config)).text
    assert "".join(chunk.text for chunk in wrapped.stream("q", config)) == '{"a": 1}'
    assert [request.model for request in server.requests()] == ["chosen"]
    assert isinstance(wrapped, type(plain))
    assert type(plain) is not type(wrapped)


@pytest.mark.parametrize("fields", ["any", ("model",)])
def test_what_a_wrapped_configurable_model_makes_of_itself_is_durable(
    durable: Durable, server: ScriptedOpenAI, fields: Any
) -> None:
    wrapped = durable.wrap(configurable(server, fields))
    made = {
        "tools": wrapped.bind_tools([SEARCH]).with_config(tags=["t"]),
        "structured": wrapped.with_structured_output(SHAPE, method="json_mode"),
        "set": wrapped.with_config(configurable={"model": "set"}),
        "named": wrapped.with_config(durable.config("named", model="of a run")),
    }
    for _ in range(2):
        said = [
            runnable.invoke("q as json", durable.config(name) if name != "named" else None)
            for name, runnable in made.items()
        ]
        assert said[1] == {"a": 1}

    assert [request.model for request in server.requests()] == ["gpt-5", "gpt-5", "set", "of a run"]
    assert {run.run_id for run in durable.runs()} == {*made}


@pytest.mark.parametrize("fields", ["any", ("model",)])
async def test_events_of_a_wrapped_configurable_model_are_durable(
    durable: Durable, server: ScriptedOpenAI, fields: Any
) -> None:
    wrapped = durable.wrap(configurable(server, fields))
    for _ in range(2):
        events = wrapped.astream_events("q", durable.config("run", model="chosen"), version="v2")
        assert [event["event"] async for event in events][-1] == "on_chat_model_end"

    assert [request.model for request in server.requests()] == ["chosen"]
    assert (await durable.aget("run")).status is RunStatus.COMPLETED
