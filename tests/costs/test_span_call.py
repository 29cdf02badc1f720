from typing import Any

import pytest

from langchain_durable.costs import Tokens
from langchain_durable.costs.span_call import Role, SpanCall, is_priced, role_of


@pytest.mark.parametrize(
    ("attributes", "role"),
    [
        ({"gen_ai.operation.name": "chat"}, Role.INFERENCE),
        ({"gen_ai.operation.name": "text_completion"}, Role.INFERENCE),
        ({"gen_ai.operation.name": "generate_content"}, Role.INFERENCE),
        ({"gen_ai.operation.name": "embeddings"}, Role.INFERENCE),
        ({"gen_ai.operation.name": "invoke_agent"}, Role.AROUND),
        ({"gen_ai.operation.name": "invoke_workflow"}, Role.AROUND),
        ({"gen_ai.operation.name": "execute_tool"}, Role.AROUND),
        ({"gen_ai.operation.name": "retrieval"}, Role.AROUND),
        ({"gen_ai.operation.name": "invoke_agent", "llm.request.type": "chat"}, Role.AROUND),
        ({"openinference.span.kind": "LLM"}, Role.INFERENCE),
        ({"openinference.span.kind": "EMBEDDING"}, Role.INFERENCE),
        ({"openinference.span.kind": "AGENT"}, Role.AROUND),
        ({"openinference.span.kind": "CHAIN"}, Role.AROUND),
        ({"llm.request.type": "chat"}, Role.INFERENCE),
        ({"llm.request.type": "completion"}, Role.INFERENCE),
        ({"llm.request.type": "rerank"}, Role.AROUND),
        ({"traceloop.span.kind": "task"}, Role.AROUND),
        ({"http.request.method": "POST"}, Role.OTHER),
        ({"gen_ai.operation.name": 3}, Role.OTHER),
        ({"gen_ai.operation.name": {"a": 1}}, Role.OTHER),
        ({}, Role.OTHER),
    ],
)
def test_the_role_of_a_span_follows_from_its_attributes(
    attributes: dict[str, Any], role: Role
) -> None:
    assert role_of(attributes) is role


def test_openinference_s_names_are_read() -> None:
    attributes = {
        "llm.system": "openai",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 2,
    }
    assert SpanCall.of(attributes) == SpanCall("openai", "gpt-4o", "", Tokens(10, 2))


def test_what_is_no_text_is_no_name() -> None:
    attributes = {"gen_ai.provider.name": 3, "gen_ai.system": "openai", "gen_ai.request.model": ""}
    assert SpanCall.of(attributes) == SpanCall("openai", "", "", None)


@pytest.mark.parametrize(
    "name", ["gen_ai.usage.cost.amount", "gen_ai.usage.cost", "llm.cost.total", "operation.cost"]
)
def test_a_cost_by_whoever_is_a_cost(name: str) -> None:
    assert is_priced({name: 0.0})
    assert not is_priced({})
