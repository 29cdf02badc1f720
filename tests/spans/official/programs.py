"""All example programs, with what their scripted models say.

Each shows some kind of span, for the official instrumentor and for us.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from langchain_durable.testing.openai_server import Rule
from tests.spans.official.agents import (
    DEEP_RULES,
    agent,
    agent_as_node,
    agent_async,
    agent_in_node,
    agent_in_tool,
    agent_renamed,
    agent_stream,
    agent_unnamed,
    cancelled,
    chain_in_tool,
    deep,
    executor,
    graph_called_agent,
    handled_error,
    interrupted,
    model_error,
    tool_error,
    unnamed_agent_in_tool,
)
from tests.spans.official.calls import (
    anthropic,
    azure,
    bedrock,
    cached,
    chain,
    chat,
    chat_astream,
    chat_stop,
    chat_stream,
    choices,
    completion,
    completion_without_name,
    content,
    failing_retriever,
    gemini,
    named_prompt,
    no_name,
    plain_retriever,
    rag,
    responses,
    retriever,
    stream_error,
    tool_alone,
    tool_without_call,
    whole_numbers,
)
from tests.spans.official.parts import ADD_CALL, AGENT_RULES, Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A program, and what its scripted models say."""

    name: str
    call: Call
    rules: tuple[Rule, ...] = ()
    raises: tuple[type[BaseException], ...] = ()
    capture: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


_HELLO = (Rule(says="Hi there."),)


_THREAD = {"thread_id": "thread-1"}


EXAMPLES = (
    Example(name="chat", call=chat, rules=_HELLO, metadata={"session_id": "session-1"}),
    Example(name="chat_stop", call=chat_stop, rules=_HELLO),
    Example(name="choices", call=choices, rules=_HELLO),
    Example(name="chat_stream", call=chat_stream, rules=_HELLO),
    Example(name="chat_astream", call=chat_astream),
    Example(
        name="responses",
        call=responses,
        rules=(Rule(says="Hi.", cached_tokens=1, reasoning_tokens=8),),
    ),
    Example(name="chain", call=chain, rules=_HELLO, metadata={"conversation_id": 12}),
    Example(name="named_prompt", call=named_prompt, rules=_HELLO),
    Example(name="agent", call=agent, rules=AGENT_RULES, metadata=_THREAD),
    Example(name="agent_async", call=agent_async),
    Example(name="agent_stream", call=agent_stream, rules=AGENT_RULES),
    Example(name="agent_unnamed", call=agent_unnamed),
    Example(name="agent_renamed", call=agent_renamed),
    Example(name="agent_described", call=agent_renamed, metadata={"agent_description": "Adds."}),
    Example(name="agent_renamed_by_metadata", call=agent_unnamed, metadata={"agent_name": "Ada"}),
    Example(name="agent_in_tool", call=agent_in_tool, metadata=_THREAD),
    Example(name="unnamed_agent_in_tool", call=unnamed_agent_in_tool),
    Example(name="chain_in_tool", call=chain_in_tool),
    Example(name="agent_as_node", call=agent_as_node),
    Example(name="agent_in_node", call=agent_in_node),
    Example(name="graph_called_agent", call=graph_called_agent, rules=_HELLO),
    Example(name="executor", call=executor, rules=AGENT_RULES),
    Example(name="deep", call=deep, rules=DEEP_RULES),
    Example(name="retriever", call=retriever, metadata=_THREAD),
    Example(name="plain_retriever", call=plain_retriever),
    Example(name="rag", call=rag, metadata={"workflow_name": "answering"}),
    Example(name="failing_retriever", call=failing_retriever, raises=(LookupError,)),
    Example(name="tool", call=tool_alone, metadata=_THREAD),
    Example(name="tool_without_call", call=tool_without_call),
    Example(name="tool_error", call=tool_error, raises=(ValueError,)),
    Example(name="handled_error", call=handled_error),
    Example(name="model_error", call=model_error, rules=(Rule(status=400),), raises=(Exception,)),
    Example(name="stream_error", call=stream_error, rules=(Rule(status=429),), raises=(Exception,)),
    Example(name="interrupted", call=interrupted),
    Example(name="cancelled", call=cancelled, raises=(asyncio.CancelledError,)),
    Example(name="completion", call=completion, rules=_HELLO),
    Example(name="completion_without_name", call=completion_without_name),
    Example(name="no_name", call=no_name),
    Example(name="gemini", call=gemini),
    Example(name="anthropic", call=anthropic),
    Example(name="bedrock", call=bedrock),
    Example(name="azure", call=azure),
    Example(name="whole_numbers", call=whole_numbers, rules=_HELLO),
    Example(name="cached", call=cached),
    Example(
        name="content",
        call=content,
        rules=(Rule(calls=ADD_CALL),),
        capture="SPAN_ONLY",
    ),
    Example(name="content_agent", call=agent, rules=AGENT_RULES, capture="SPAN_ONLY"),
    Example(name="content_retriever", call=retriever, capture="SPAN_ONLY"),
)
