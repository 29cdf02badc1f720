"""What a call says of its run: the tenant, and the caller's own metadata."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from langchain_durable import Durable, DurableCallbackHandler
from langchain_durable.ids import new
from langchain_durable.journal import HeaderField
from tests.fakes import Model


def tenant(durable: Durable, run_id: str = "run") -> str:
    return durable.header(run_id).text(HeaderField.TENANT)


def wrapped(durable: Durable, config: RunnableConfig) -> None:
    program: Any = durable.wrap(RunnableLambda(lambda text: Model().invoke(text).text))
    program.invoke("a", {**durable.config("run"), **config})


def handled(durable: Durable, config: RunnableConfig) -> None:
    Model().invoke("a", {**config, "callbacks": [DurableCallbackHandler(durable, run_id="run")]})


def batched(durable: Durable, config: RunnableConfig) -> None:
    handler = DurableCallbackHandler(durable, run_id="run")
    Model().batch(["a", "b"], {**config, "callbacks": [handler]})


@pytest.mark.parametrize("called", [wrapped, handled, batched])
def test_a_calls_metadata_names_the_tenant_and_is_kept(durable: Durable, called: Any) -> None:
    called(durable, {"metadata": {"tenant": "acme", "order": 7}})

    assert tenant(durable) == "acme"
    assert durable.get("run").metadata == {"tenant": "acme", "order": 7}


def test_the_metadata_of_a_block_names_its_tenant(durable: Durable) -> None:
    with durable.run("run", metadata={"tenant": "acme"}):
        Model().invoke("a")

    assert tenant(durable) == "acme"


def test_only_the_callers_own_plain_values_are_kept(durable: Durable) -> None:
    given = {"list": [1, {"a": None}], "object": object(), "nan": float("nan"), "long": "x" * 5000}
    kept: list[Any] = []

    def node(state: MessagesState, config: RunnableConfig) -> MessagesState:
        inner = durable.wrap(Model())
        inner.invoke("b", {"metadata": config["metadata"], **durable.config("inside")})
        kept.append(durable.get("inside").metadata)
        return {"messages": []}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    config: RunnableConfig = {"metadata": given}
    graph.compile().invoke({"messages": []}, config)
    wrapped(durable, config)

    assert durable.get("run").metadata == {"list": [1, {"a": None}]}
    assert kept == [{"list": [1, {"a": None}]}]


@pytest.mark.parametrize("options", [{"encryption_key": bytes(32)}, {"redact": lambda v: v}])
def test_what_is_kept_secret_elsewhere_is_not_kept_in_plain_text(options: Any) -> None:
    with Durable(f"memory://{new()}", **options) as durable:
        wrapped(durable, {"metadata": {"tenant": "acme", "mail": "a@b"}})

        assert durable.get("run").metadata == {}
        assert tenant(durable) == "acme"
