"""What the nodes of the step tree are called: short, and the same in every attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEY = "map:key:"
"""In the label of what is made beside others, under a key each."""

NODE = "@"
"""In the label of a graph's node, before its superstep."""

STEP = "langgraph_step"
"""The key in a node's metadata that has its superstep."""

_STRUCTURAL = ("seq:step:", KEY, "branch:", "condition:")
"""LangChain's tags that say where in a composition a call stands. ``retry:attempt:N`` is not
among them: a retried call is one place, and its tries are told apart by their order."""


PASSED_THROUGH = ("RunnableWithFallbacks",)
"""Chains that are no node of the step tree: LangChain reports what they call beneath them in
some modes and beside them in others."""

MODEL_NAME = "ls_model_name"


def is_decision(metadata: Mapping[str, Any] | None) -> bool:
    """Is a chain that LangChain calls an ``llm`` one of its decision models?"""
    return metadata is not None and MODEL_NAME in metadata


def call_name(name: str | None, serialized: Mapping[str, Any] | None) -> str:
    """A call's name, or its class's where LangChain gives none (a streamed AgentExecutor)."""
    if name:
        return name
    ids = (serialized or {}).get("id") or ()
    return str(ids[-1]) if ids else "chain"


def label_of(
    name: str, tags: Sequence[str] | None, metadata: Mapping[str, Any] | None = None
) -> str:
    """The label of a call: its name, and where in the composition it stands."""
    if metadata is not None and metadata.get("langgraph_node") == name:
        return f"{name}{NODE}{_superstep(metadata)}"
    return name + places_of(tags)


def places_of(tags: Sequence[str] | None) -> str:
    """Where in a composition a call stands, as the end of its label."""
    places = [tag for tag in tags or () if tag.startswith(_STRUCTURAL)]
    return f"[{','.join(places)}]" if places else ""


def placed(label: str, places: str) -> str:
    """The label of a call that stands where a chain that is passed through stands."""
    return label if label.endswith("]") else label + places


def _superstep(metadata: Mapping[str, Any]) -> str:
    """LangGraph's superstep, and which of several sends it is; both are stable."""
    step = str(metadata.get(STEP, ""))
    path: tuple[Any, ...] = metadata.get("langgraph_path") or ()
    if len(path) > 1 and path[0] == "__pregel_push":
        return f"{step}:{'.'.join(str(part) for part in path[1:] if not isinstance(part, bool))}"
    return step


def model_name(params: Mapping[str, Any], serialized: Mapping[str, Any] | None) -> str:
    """The model a call asks for, else the name of its class."""
    name = params.get("model") or params.get("model_name") or params.get("model_id")
    if isinstance(name, str) and name:
        return name
    serialized = serialized or {}
    ids = serialized.get("id") or ()
    return str(serialized.get("name") or (ids[-1] if ids else "model"))


_MATTERS = ("stop", "temperature", "tool_choice", "seed", "response_format")


def model_inputs(prompt: Any, params: Mapping[str, Any]) -> Any:
    """What tells two calls of one model apart: the prompt, the tools, a few parameters.

    Not all parameters, because they differ between invoke and stream.
    """
    options = {key: params[key] for key in _MATTERS if params.get(key) is not None}
    tools = params.get("tools")
    if tools:
        options["tools"] = [_tool_name(tool) for tool in tools]
    return (prompt, options) if options else prompt


def _tool_name(tool: Any) -> str:
    if isinstance(tool, Mapping):
        function = tool.get("function")
        if isinstance(function, Mapping):
            return str(function.get("name", ""))
        return str(tool.get("name") or tool.get("type") or "")
    return type(tool).__name__
