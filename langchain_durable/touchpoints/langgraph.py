"""What we read and call of LangGraph's graphs.

LangGraph is never imported from here: a program without it does not pay for it. Its classes are
looked up once the program has imported them, and :func:`check_langgraph` runs at that moment.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import CellType
from typing import Any

from wrapt import register_post_import_hook

from langchain_durable.errors import IncompatibleVersion
from langchain_durable.touchpoints.child_context import child_config

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
NO_TASK = "00000000-0000-0000-0000-000000000000"
"""The task whose writes are those of the call itself, such as an answer."""

NUMBERED = ("call_counter", "interrupt_counter", "subgraph_counter", "get_null_resume", "resume")
"""Fields of LangGraph's scratchpad of a node, by which it finds answers and results again."""


def check_langgraph() -> None:
    """Raise ``IncompatibleVersion`` if the imported LangGraph numbers a node's calls otherwise."""
    cls = _langgraph("langgraph._internal._scratchpad", "PregelScratchpad")
    for name in NUMBERED:
        if name not in getattr(cls, "__dataclass_fields__", ()):
            raise IncompatibleVersion(
                f"langgraph {langgraph_version()} has no PregelScratchpad.{name}, by which "
                "answers and results are given to the calls that they are for.",
                expected="langgraph 1.2 or newer, below 2",
                came=f"langgraph {langgraph_version()}",
                do="install a release of langchain-durable that knows this langgraph",
            )


def langgraph_version() -> str:
    """The installed LangGraph's version, for messages."""
    try:
        return version("langgraph")
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


def changes_state(value: Any) -> bool:
    """Does an input change the state that a run goes on with?"""
    return is_command(value) and value.update is not None


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
            check_langgraph()
            hook(cls)

    register_post_import_hook(imported, "langgraph.pregel")


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
                langgraph_version(),
            )

    register_post_import_hook(imported, "langgraph.graph.message")


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
