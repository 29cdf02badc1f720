"""Everything of LangChain and LangGraph that we stand on and that is not a public API.

It is all in this module, and :func:`check` runs when interception is installed: a release
that lacks something is refused by name, before a run depends on it. LangGraph is never
imported from here: a program without it does not pay for it.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import CellType
from typing import Any
from uuid import UUID

from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    RouterRunnable,
    Runnable,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.runnables.configurable import DynamicRunnable
from langchain_core.runnables.retry import RunnableRetry
from langchain_core.tools import BaseTool
from wrapt import register_post_import_hook

from langchain_durable.errors import IncompatibleVersion

logger = logging.getLogger("langchain_durable")

SEND = "__pregel_send"
RUNTIME = "__pregel_runtime"
CHECKPOINTER = "__pregel_checkpointer"
DURABILITY = "__pregel_durability"
TASK = "__pregel_task_id"
INTERRUPT = "__interrupt__"
HIDDEN = "langsmith:hidden"
CALL = "__pregel_call"
SCRATCHPAD = "__pregel_scratchpad"
RESUME = "__resume__"

NUMBERED = ("call_counter", "interrupt_counter", "subgraph_counter", "get_null_resume", "resume")
"""Fields of LangGraph's scratchpad of a node, by which it finds answers and results again."""

ENTRIES: Mapping[type, tuple[str, ...]] = {
    BaseChatModel: (
        "generate",
        "agenerate",
        "stream",
        "astream",
        "_chat_model_stream_v3",
        "_achat_model_stream_v3",
    ),
    BaseLLM: ("generate", "agenerate", "stream", "astream"),
    BaseTool: ("run", "arun"),
    BaseRetriever: ("invoke", "ainvoke"),
}
"""Where a call of each kind comes in: there its class's provider methods are wrapped."""

WITH_RUN_MANAGER = ("_generate_with_cache", "_agenerate_with_cache")
"""Methods of BaseChatModel that know for which of several prompts a provider is called."""

RETRIES = ("_invoke", "_ainvoke", "_batch", "_abatch")
"""Methods of RunnableRetry that make the tries: its own run has started, none of theirs has."""

CONSUMERS = frozenset(
    f"_astream_{what}_implementation{version}.<locals>.consume_astream"
    for what, version in (("events", "_v2"), ("log", ""))
)
"""Coroutines in which LangChain makes a call whose events it reads outside, in its caller's task:
nobody awaits their tasks."""

ASSIGNS = ("_transform", "_atransform")
"""Methods of RunnableAssign that make its map in a task or a thread. Its own run has started."""

BATCHES: tuple[type, ...] = (
    Runnable,
    RunnableSequence,
    RunnableBindingBase,
    RunnableRetry,
    RunnableWithFallbacks,
    RouterRunnable,
    DynamicRunnable,
    BaseLLM,
)
"""Classes that have a ``batch`` of their own (and so on), and do not call that of another."""

PROVIDERS: Mapping[type, tuple[str, ...]] = {
    BaseChatModel: ("_generate", "_agenerate", "_stream", "_astream"),
    BaseLLM: ("_generate", "_agenerate", "_stream", "_astream"),
    BaseTool: ("_run", "_arun"),
    BaseRetriever: ("_get_relevant_documents", "_aget_relevant_documents"),
}

DECISIONS: Mapping[str, str] = {"invoke": "_classify", "ainvoke": "_aclassify"}
"""Where a call of a decision model comes in, and the provider's method that it is made by."""


def check() -> None:
    """Raise ``IncompatibleVersion`` if the installed LangChain lacks a function we wrap."""
    for base, names in ENTRIES.items():
        _require(base, *names, *PROVIDERS[base])
    _require(BaseChatModel, *WITH_RUN_MANAGER)
    _require(RunnableRetry, *RETRIES)
    for name in WITH_RUN_MANAGER:
        if "run_manager" not in inspect.signature(getattr(BaseChatModel, name)).parameters:
            raise _incompatible(f"BaseChatModel.{name}(run_manager=...)")


def check_graphs() -> None:
    """Raise ``IncompatibleVersion`` if the imported LangGraph numbers a node's calls otherwise."""
    cls = _langgraph("langgraph._internal._scratchpad", "PregelScratchpad")
    for name in NUMBERED:
        if name not in getattr(cls, "__dataclass_fields__", ()):
            raise IncompatibleVersion(
                f"langgraph {_version('langgraph')} has no PregelScratchpad.{name}, by which "
                "answers and results are given to the calls that they are for.",
                expected="langgraph 1.2 or newer, below 2",
                came=f"langgraph {_version('langgraph')}",
                do="install a release of langchain-durable that knows this langgraph",
            )


def _require(base: type, *names: str) -> None:
    for name in names:
        if not callable(getattr(base, name, None)):
            raise _incompatible(f"{base.__name__}.{name}")


def _incompatible(what: str) -> IncompatibleVersion:
    return IncompatibleVersion(
        f"langchain-core {version('langchain-core')} has no {what}, which langchain-durable "
        "wraps to record calls.",
        expected="langchain-core 1.4 or newer, below 2",
        came=f"langchain-core {version('langchain-core')}, langgraph {_version('langgraph')}",
        do="install a release of langchain-durable that knows this langchain-core",
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _langgraph(module: str, name: str) -> Any:
    """A class of LangGraph, if the program has imported it; no value is of it otherwise."""
    return getattr(sys.modules.get(module), name, None)


def is_interrupt(error: BaseException) -> bool:
    """Is this LangGraph's way to pause for a person?"""
    cls = _langgraph("langgraph.errors", "GraphInterrupt")
    return cls is not None and isinstance(error, cls)


def can_interrupt() -> bool:
    """Does the call in this context stand in a graph that can pause for a person?"""
    return CHECKPOINTER in (child_config().get("configurable") or {})


def interrupt(question: Any) -> Any:
    """Pause the graph for a person; gives the answer when it goes on."""
    return _langgraph("langgraph.types", "interrupt")(question)


def is_control_flow(error: BaseException) -> bool:
    """Is this LangGraph's control flow (an interrupt, a command to a parent), no failure?"""
    cls = _langgraph("langgraph.errors", "GraphBubbleUp")
    return cls is not None and isinstance(error, cls)


def is_drained(error: BaseException) -> bool:
    """Has a graph stopped between two steps because it was asked to, to go on later?"""
    cls = _langgraph("langgraph.errors", "GraphDrained")
    return cls is not None and isinstance(error, cls)


def is_command(value: Any) -> bool:
    """Is this a ``Command``, which continues a run instead of being its input?"""
    cls = _langgraph("langgraph.types", "Command")
    return cls is not None and isinstance(value, cls)


def answering(answer: Any) -> Any:
    """The input by which a graph that was paused for a person goes on."""
    return importlib.import_module("langgraph.types").Command(resume=answer)


def graph_class() -> Any:
    """LangGraph's class of compiled graphs, if the program has imported it."""
    return _langgraph("langgraph.pregel", "Pregel")


def with_graphs(hook: Callable[[type], None]) -> None:
    """Call ``hook`` with LangGraph's class of graphs: now, or as soon as the program imports it.

    A program's first graph may be its first durable call, so nothing later would be in time.
    """

    def imported(module: Any) -> None:
        cls = getattr(module, "Pregel", None)
        if cls is not None:
            check_graphs()
            hook(cls)

    register_post_import_hook(imported, "langgraph.pregel")


def with_decision_models(hook: Callable[[type], None]) -> None:
    """Call ``hook`` with LangChain's class of decision models: now, or once it is imported.

    They are new and may change, and agents import them that ask none: nothing is refused.
    """

    def imported(module: Any) -> None:
        cls: Any = getattr(module, "BaseDecisionModel", None)
        names = (*DECISIONS, *DECISIONS.values())
        if all(callable(getattr(cls, name, None)) for name in names):
            hook(cls)
        else:
            logger.warning(
                "langchain-core %s: decision models are made in another way than langchain-durable "
                "knows. What they answer is not recorded, and they are asked again if a run is.",
                version("langchain-core"),
            )

    register_post_import_hook(imported, "langchain_core.decisions.base")


def with_message_reducer(hook: Callable[[CellType], None]) -> None:
    """Call ``hook`` with the cell of what LangGraph's ``add_messages`` calls: now, or once it is
    imported.

    The types of users' states hold ``add_messages`` itself, so another in its place would not
    be seen. It is a wrapper; what it wraps is in its closure.
    """

    def imported(module: Any) -> None:
        function: Any = getattr(module, "add_messages", None)
        cells: tuple[CellType, ...] = getattr(function, "__closure__", None) or ()
        if len(cells) == 1 and callable(cells[0].cell_contents):
            hook(cells[0])
        else:
            logger.warning(
                "langgraph %s: add_messages is made in another way than langchain-durable knows. "
                "Messages without an id get a random one, so a tool that returns or removes "
                "messages of its state may not find them when a run is resumed.",
                _version("langgraph"),
            )

    register_post_import_hook(imported, "langgraph.graph.message")


CHILD_CONTEXTS = (
    "langchain_core.runnables.base",
    "langchain_core.runnables.fallbacks",
    "langgraph._internal._runnable",
)
"""Modules that run a call's own code in a context that their ``set_config_context`` makes."""


def with_child_contexts(hook: Callable[[Any], None]) -> None:
    """Call ``hook`` with each module that has such a function: now, or once it is imported.

    Tools have it too; their own spans are current in them. A release without it is no trouble:
    a program's spans stand beside its agents', then.
    """

    def imported(module: Any) -> None:
        if hasattr(module, "set_config_context"):
            hook(module)

    for name in CHILD_CONTEXTS:
        register_post_import_hook(imported, name)


def keeps_writes(channel: Any) -> bool:
    """Does this channel of a graph keep what is written to it, and give ids to it as it comes?"""
    cls = _langgraph("langgraph.channels.delta", "DeltaChannel")
    return cls is not None and isinstance(channel, cls)


def is_graph(runnable: Any) -> bool:
    """Is this a compiled LangGraph graph?"""
    cls = graph_class()
    return cls is not None and isinstance(runnable, cls)


def own_checkpointer(graph: Any) -> Any:
    """The checkpointer a graph was compiled with; None if it has none."""
    return graph.checkpointer


def has_own_saver(graph: Any) -> bool:
    """Was this graph compiled with a checkpointer that keeps its threads?"""
    return callable(getattr(graph.checkpointer, "get_tuple", None))


def is_nested(configurable: Mapping[str, Any]) -> bool:
    """Is a graph with this config called from inside of another graph, as its part?"""
    return TASK in configurable


COORDINATES = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")


def addressed(configurable: Mapping[str, Any]) -> Mapping[str, Any]:
    """What LangGraph makes of the ``configurable`` that a graph is called with, in this context.

    A call that names a thread stands on its own; another one is a part of what it is made in.
    """
    if any(configurable.get(key) for key in COORDINATES):
        return configurable
    return {**(child_config().get("configurable") or {}), **configurable}


def static_breakpoints(graph: Any, options: Mapping[str, Any]) -> bool:
    """Can this call stop at a node that was named beforehand, without an interrupt?"""
    return any(
        options.get(name) or getattr(graph, f"{name}_nodes", None)
        for name in ("interrupt_before", "interrupt_after")
    )


def graph_handler_class() -> Any:
    """LangGraph's class of the callback handlers that hear of interrupts."""
    return _langgraph("langgraph.callbacks", "GraphCallbackHandler")


def is_hidden(graph: Any, node: str) -> bool:
    """Does a breakpoint at all nodes (``"*"``) leave this one out?"""
    return HIDDEN in (getattr(graph.nodes.get(node), "tags", None) or ())


def output_mapper(graph: Any) -> Any:
    """What makes the program's own types of a graph's output, in streams that have a version."""
    return getattr(graph, "_output_mapper", None)


STATE_METHODS = (
    "get_state",
    "aget_state",
    "get_state_history",
    "aget_state_history",
    "update_state",
    "aupdate_state",
    "bulk_update_state",
    "abulk_update_state",
)
"""Methods of a graph that need its checkpointer; each has the config as its first argument."""


def composing() -> bool:
    """Is our caller's caller a ``RunnableSequence`` that takes sequences apart to chain them?

    It does so by reading their ``steps``, which would lose what wraps a sequence as a whole.
    """
    return sys._getframe(2).f_code is RunnableSequence.__init__.__code__


def child_config() -> Mapping[str, Any]:
    """The config of the call that runs in this context; empty outside of calls."""
    return var_child_runnable_config.get() or {}


def parent_run_id() -> UUID | None:
    """LangChain's run id of the call that runs in this context."""
    found = getattr(child_config().get("callbacks"), "parent_run_id", None)
    return found if isinstance(found, UUID) else None
