"""What spans say, as pure functions of what LangChain's callbacks bring.

No SDK, no I/O, and no look at messages: a call's history may be long.
"""

from __future__ import annotations

from langchain_durable.spans.chains import (
    Role,
    agent_name,
    agent_started,
    chain_role,
    prompt_name,
    workflow_started,
)
from langchain_durable.spans.models import first_chunk, model_ended, model_started, usage_of
from langchain_durable.spans.outcomes import ended, failed, outcome_of
from langchain_durable.spans.retrievers import retriever_ended, retriever_started
from langchain_durable.spans.start import Attributes, Start, conversation_id
from langchain_durable.spans.tools import tool_ended, tool_started
from langchain_durable.spans.usage import usage_attributes

__all__ = [
    "Attributes",
    "Role",
    "Start",
    "agent_name",
    "agent_started",
    "chain_role",
    "conversation_id",
    "ended",
    "failed",
    "first_chunk",
    "model_ended",
    "model_started",
    "outcome_of",
    "prompt_name",
    "retriever_ended",
    "retriever_started",
    "tool_ended",
    "tool_started",
    "usage_attributes",
    "usage_of",
    "workflow_started",
]
