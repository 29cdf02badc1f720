"""Which chains are agents and workflows, where the fixtures show nothing."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_durable.spans.chains import (
    Role,
    agent_name,
    chain_role,
    prompt_name,
    workflow_started,
)

_MADE: dict[str, Any] = {"ls_integration": "langchain_create_agent", "lc_agent_name": "boss"}
_GRAPH: dict[str, Any] = {"ls_integration": "langgraph"}


@pytest.mark.parametrize(
    ("name", "metadata", "tags", "is_root", "inside", "role"),
    [
        ("RunnableSequence", {}, [], True, None, Role.WORKFLOW),
        (None, None, None, True, None, Role.WORKFLOW),
        ("RunnableSequence", {}, ["seq:step:1"], False, None, None),
        ("boss", _MADE, [], True, None, Role.AGENT),
        ("renamed", _MADE, [], True, None, Role.AGENT),
        ("model", _MADE, ["graph:step:1"], False, "boss", None),
        ("RunnableSequence", _MADE, [], False, "boss", None),
        ("boss", _MADE, [], False, "other", Role.AGENT),
        ("boss", _MADE, [], False, "boss", Role.AGENT),
        ("renamed", _MADE, [], False, "other", Role.AGENT),
        ("LangGraph", _MADE, [], False, "boss", Role.AGENT),
        ("LangGraph", _GRAPH, [], False, "boss", None),
        ("my_agent", _GRAPH, [], True, None, Role.AGENT),
        ("my_agent", {**_GRAPH, "checkpoint_ns": "a:1"}, ["seq:step:1"], False, None, Role.AGENT),
        ("my_agent", {**_GRAPH, "checkpoint_ns": "a:1"}, [], False, "my_agent", None),
        ("call_agent", _GRAPH, ["seq:step:1"], False, None, None),
        ("agent", _GRAPH, ["graph:step:1"], False, None, None),
        ("AgentExecutor", {}, [], False, None, Role.AGENT),
        ("ToolsAgentOutputParser", {"checkpoint_ns": "a"}, [], False, None, None),
        ("anything", {"agent_name": "Ada"}, [], True, None, Role.AGENT),
        ("anything", {"agent_name": "Ada"}, [], False, "Ada", None),
        ("anything", {"otel_trace": False}, [], True, None, None),
    ],
)
def test_the_role_of_a_chain(
    name: str | None,
    metadata: dict[str, Any] | None,
    tags: list[str] | None,
    is_root: bool,
    inside: str | None,
    role: Role | None,
) -> None:
    assert chain_role(name, metadata, tags, is_root=is_root, inside=inside) is role


def test_a_streamed_executor_is_known_by_its_class() -> None:
    serialized = {"id": ["langchain_classic", "agents", "agent", "AgentExecutor"]}
    assert chain_role(None, {}, [], is_root=True, serialized=serialized) is Role.AGENT


def test_a_nameless_agent_does_not_inherit_the_name_of_its_caller() -> None:
    assert agent_name("LangGraph", _MADE, inside="boss") is None
    assert agent_name("boss", _MADE, inside="boss") == "boss"


def test_the_users_name_for_an_agent_wins_where_it_was_given() -> None:
    named = {**_MADE, "agent_name": "Ada"}
    assert agent_name("boss", named) == "Ada"
    assert agent_name("boss", named, inside="Ada") == "boss"


def test_a_workflow_may_be_named_by_its_caller() -> None:
    start = workflow_started("RunnableSequence", {"workflow_name": "answering"})
    assert start.name == "invoke_workflow answering"
    assert workflow_started(None, None).name == "invoke_workflow"


@pytest.mark.parametrize(
    ("serialized", "metadata", "name"),
    [
        (None, None, None),
        ({"id": ["x", "ChatPromptTemplate"], "name": "ChatPromptTemplate"}, None, None),
        ({"id": ["x", "PromptTemplate"], "kwargs": {"name": "greeting"}}, None, "greeting"),
        ({"id": ["x", "PromptTemplate"], "name": "greeting"}, {"prompt_name": "v2"}, "v2"),
        ({"id": ["x", "RunnableLambda"], "name": "greeting"}, None, None),
    ],
)
def test_only_a_named_template_names_a_prompt(serialized: Any, metadata: Any, name: Any) -> None:
    assert prompt_name("anything", serialized, metadata) == name
