"""The functions of LangChain that calls go through, which we wrap to record them.

:func:`check_langchain` runs when interception is installed: a release that lacks one is refused
by name, before a run depends on it.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    RouterRunnable,
    Runnable,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.configurable import DynamicRunnable
from langchain_core.runnables.retry import RunnableRetry
from langchain_core.tools import BaseTool
from wrapt import register_post_import_hook

from langchain_durable.errors import IncompatibleVersion
from langchain_durable.touchpoints.langgraph import langgraph_version

logger = logging.getLogger("langchain_durable")

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


def check_langchain() -> None:
    """Raise ``IncompatibleVersion`` if the installed LangChain lacks a function we wrap."""
    for base, names in ENTRIES.items():
        _require(base, *names, *PROVIDERS[base])
    _require(BaseChatModel, *WITH_RUN_MANAGER)
    _require(RunnableRetry, *RETRIES)
    for name in WITH_RUN_MANAGER:
        if "run_manager" not in inspect.signature(getattr(BaseChatModel, name)).parameters:
            raise _incompatible(f"BaseChatModel.{name}(run_manager=...)")


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


def composing() -> bool:
    """Is our caller's caller a ``RunnableSequence`` that takes sequences apart to chain them?

    It does so by reading their ``steps``, which would lose what wraps a sequence as a whole.
    """
    return sys._getframe(2).f_code is RunnableSequence.__init__.__code__


def _require(base: type, *names: str) -> None:
    for name in names:
        if not callable(getattr(base, name, None)):
            raise _incompatible(f"{base.__name__}.{name}")


def _incompatible(what: str) -> IncompatibleVersion:
    return IncompatibleVersion(
        f"langchain-core {version('langchain-core')} has no {what}, which langchain-durable "
        "wraps to record calls.",
        expected="langchain-core 1.4 or newer, below 2",
        came=f"langchain-core {version('langchain-core')}, langgraph {langgraph_version()}",
        do="install a release of langchain-durable that knows this langchain-core",
    )
