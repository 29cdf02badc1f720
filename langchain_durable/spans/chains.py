"""Chains: which of them are agents or workflows, and what the spans of those say.

LangChain reports a graph, each of its nodes, a sequence and a parser by the same callback. Only
an agent and the outermost chain get a span; what is between them and a step has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from opentelemetry.trace import SpanKind

from langchain_durable import semconv
from langchain_durable.spans.start import Attributes, Start, conversation_id

_AGENT_MAKERS = frozenset({"langchain_create_agent", "deepagents"})
"""Values of ``ls_integration`` by which LangChain's own agents make themselves known."""

_UNNAMED_GRAPH = "LangGraph"
_EXECUTOR = "AgentExecutor"
_NODE = "graph:step:"
_TEMPLATES = frozenset({"ChatPromptTemplate", "PromptTemplate"})
_MACHINERY = ("Runnable", "Chat", "Middleware.")
_NO_METADATA: Mapping[str, Any] = {}


class Role(StrEnum):
    """What a chain is to its reader."""

    AGENT = "agent"
    WORKFLOW = "workflow"


def chain_role(
    name: str | None,
    metadata: Mapping[str, Any] | None,
    tags: Sequence[str] | None,
    *,
    is_root: bool,
    serialized: Mapping[str, Any] | None = None,
    inside: str | None = None,
) -> Role | None:
    """Whether a chain gets a span, and which; None for all that is only machinery.

    ``is_root``: nothing of LangChain's calls it. ``inside`` is the name of the agent that it
    is called in. An agent says so in its metadata (``create_agent``, deepagents, or the
    user's ``agent_name``), is an ``AgentExecutor``, or is a graph with "agent" in its name.
    Metadata is inherited, so below the root it counts only where the chain is the one that
    it names. The user's ``otel_trace: False`` makes no span.
    """
    found = metadata or _NO_METADATA
    if found.get("otel_trace") is False or is_node(tags):
        return None
    name = name or _class_name(serialized)
    if is_root:
        return Role.AGENT if _is_root_agent(name, found) else Role.WORKFLOW
    return Role.AGENT if _is_agent_below(name, found, inside) else None


def is_node(tags: Sequence[str] | None) -> bool:
    """Is a chain with these tags the node of a graph? Such a one has no span."""
    return tags is not None and any(tag.startswith(_NODE) for tag in tags)


def _class_name(serialized: Mapping[str, Any] | None) -> str:
    ids = (serialized or _NO_METADATA).get("id") or ()
    return str(ids[-1]) if ids else ""


def _is_root_agent(name: str, metadata: Mapping[str, Any]) -> bool:
    if metadata.get("ls_integration") in _AGENT_MAKERS or metadata.get("agent_name"):
        return True
    return _sounds_like_agent(name)


def _is_agent_below(name: str, metadata: Mapping[str, Any], inside: str | None) -> bool:
    given = metadata.get("agent_name")
    if name == _EXECUTOR or (given and str(given) != inside):
        return True
    if metadata.get("ls_integration") in _AGENT_MAKERS:
        own = metadata.get("lc_agent_name")
        return name == _UNNAMED_GRAPH or (bool(own) and own in (name, _other(own, inside)))
    # A graph below a node has a namespace of its own; the node's functions have none.
    return "checkpoint_ns" in metadata and name != inside and _sounds_like_agent(name)


def _other(own: Any, inside: str | None) -> Any:
    """The name that metadata gives, unless it is the surrounding agent's, inherited."""
    return own if inside is not None and own != inside else None


def _sounds_like_agent(name: str) -> bool:
    machinery = name.startswith(_MACHINERY) or name.endswith("Parser")
    return not machinery and "agent" in name.lower()


def agent_name(
    name: str | None, metadata: Mapping[str, Any] | None, inside: str | None = None
) -> str | None:
    """An agent's name: the user's, else the one it was made with; None if it has none.

    ``name`` is the callback's, which a ``run_name`` replaces; ``inside`` as in
    :func:`chain_role`.
    """
    found = metadata or _NO_METADATA
    given = found.get("agent_name")
    if given and str(given) != inside:
        return str(given)
    if found.get("ls_integration") not in _AGENT_MAKERS or name == _EXECUTOR:
        return name
    own = found.get("lc_agent_name")
    inherited = own == inside and name != own
    return str(own) if own and not inherited else None


def agent_started(
    name: str | None, metadata: Mapping[str, Any] | None, inside: str | None = None
) -> Start:
    """What an agent's span says when it starts (``invoke_agent``)."""
    own = agent_name(name, metadata, inside)
    told: Attributes = {semconv.OPERATION_NAME: semconv.INVOKE_AGENT}
    if own:
        told[semconv.AGENT_NAME] = own
    description = (metadata or _NO_METADATA).get("agent_description")
    if description:
        told[semconv.AGENT_DESCRIPTION] = str(description)
    _conversation(told, metadata)
    return Start(semconv.span_name(semconv.INVOKE_AGENT, own), SpanKind.INTERNAL, told)


def workflow_started(name: str | None, metadata: Mapping[str, Any] | None) -> Start:
    """What the span of a root that is no agent says when it starts (``invoke_workflow``)."""
    own = (metadata or _NO_METADATA).get("workflow_name") or name
    told: Attributes = {semconv.OPERATION_NAME: semconv.INVOKE_WORKFLOW}
    if own:
        told[semconv.WORKFLOW_NAME] = str(own)
    _conversation(told, metadata)
    name = semconv.span_name(semconv.INVOKE_WORKFLOW, str(own) if own else None)
    return Start(name, SpanKind.INTERNAL, told)


def _conversation(told: Attributes, metadata: Mapping[str, Any] | None) -> None:
    conversation = conversation_id(metadata)
    if conversation:
        told[semconv.CONVERSATION_ID] = conversation


def prompt_name(
    name: str | None,
    serialized: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
) -> str | None:
    """The name of a prompt template that is being filled in; None for any other chain.

    The next model call beside it is made from it (``gen_ai.prompt.name``).
    """
    if serialized is None or _class_name(serialized) not in _TEMPLATES:
        return None
    kwargs = serialized.get("kwargs")
    candidates = (
        (metadata or _NO_METADATA).get("prompt_name"),
        kwargs.get("name") if isinstance(kwargs, Mapping) else None,
        serialized.get("name"),
    )
    for found in candidates:
        if isinstance(found, str) and found not in _TEMPLATES:
            return found
    return None
