"""Installing interception: a few entry points of LangChain are patched, once per process.

A patched entry point wraps the provider's methods of the concrete class it is called on, the
first time it sees that class; ``__wrapped__`` stays, because LangChain inspects signatures.
Methods that a class does not override are left alone, because LangChain compares them with
its own to learn what a class can do.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from types import CellType
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.language_models import BaseChatModel, BaseLLM
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables.passthrough import RunnableAssign
from langchain_core.runnables.retry import RunnableRetry
from langchain_core.tools import BaseTool
from langchain_core.tracers.context import register_configure_hook

from langchain_durable.events import StepKind
from langchain_durable.identity.message_ids import naming
from langchain_durable.intercept.active import hook
from langchain_durable.intercept.assigned import with_one_call
from langchain_durable.intercept.batches import (
    with_async_batch,
    with_async_completed,
    with_batch,
    with_completed,
)
from langchain_durable.intercept.bystanders import telling_all
from langchain_durable.intercept.claims import of_manager
from langchain_durable.intercept.decisions import decision_call
from langchain_durable.intercept.graphs.calls import with_async_place, with_place
from langchain_durable.intercept.graphs.reentry import with_async_reentry, with_reentry
from langchain_durable.intercept.models import (
    CHAT,
    COMPLETION,
    chat_call,
    chat_chunk,
    completion_call,
    completion_chunk,
    merged_chat,
    merged_completion,
)
from langchain_durable.intercept.retries import telling_of_tries
from langchain_durable.intercept.step import pending
from langchain_durable.intercept.streams import (
    StreamForm,
    async_stream,
    chat_finishes,
    completion_finishes,
    sync_stream,
)
from langchain_durable.intercept.tools import retriever_call, tool_call
from langchain_durable.intercept.wrapping import CallProcedure, async_method, sync_method
from langchain_durable.touchpoints.langchain import (
    ASSIGNS,
    BATCHES,
    DECISIONS,
    ENTRIES,
    PROVIDERS,
    RETRIES,
    WITH_RUN_MANAGER,
    check_langchain,
    with_decision_models,
)
from langchain_durable.touchpoints.langgraph import with_graphs, with_message_reducer

OURS = "__langchain_durable__"

Maker = Callable[[Callable[..., Any]], Callable[..., Any]]

_CHAT_STREAM = StreamForm(
    form=CHAT,
    merge=merged_chat,
    replay=chat_chunk,
    finishes=chat_finishes,
    answer=lambda result: result.generations[0].message,
)
_TEXT_STREAM = StreamForm(
    form=COMPLETION,
    merge=merged_completion,
    replay=completion_chunk,
    finishes=completion_finishes,
    answer=lambda result: result.generations[0][0].text,
)


def _methods(kind: StepKind, record: CallProcedure) -> tuple[Maker, Maker]:
    return (
        lambda original: sync_method(original, kind, record),
        lambda original: async_method(original, kind, record),
    )


def _streams(form: StreamForm) -> tuple[Maker, Maker]:
    return (
        lambda original: sync_stream(original, StepKind.MODEL, form),
        lambda original: async_stream(original, StepKind.MODEL, form),
    )


_MAKERS: Mapping[type, tuple[Maker, ...]] = {
    BaseChatModel: (*_methods(StepKind.MODEL, chat_call), *_streams(_CHAT_STREAM)),
    BaseLLM: (*_methods(StepKind.MODEL, completion_call), *_streams(_TEXT_STREAM)),
    BaseTool: _methods(StepKind.TOOL, tool_call),
    BaseRetriever: _methods(StepKind.RETRIEVER, retriever_call),
}
_DECISION_MAKERS = _methods(StepKind.MODEL, decision_call)

_AROUND_BATCHES: Mapping[str, Maker] = {
    "batch": with_batch,
    "abatch": with_async_batch,
    "batch_as_completed": with_completed,
    "abatch_as_completed": with_async_completed,
}

_lock = threading.Lock()
_wrapped: set[type] = set()
_patched: list[tuple[Any, str, Any]] = []
_hooked = False


def install() -> None:
    """Intercept calls from now on. Does nothing if that is so already."""
    global _hooked
    with _lock:
        if _patched:
            return
        check_langchain()
        if not _hooked:
            # A hook is asked for its value, and nothing else is done with it.
            register_configure_hook(cast("Any", hook), inheritable=True)
            _hooked = True
        for base, names in ENTRIES.items():
            for name in names:
                _patch(base, name, _entry(getattr(base, name), base))
        for name in WITH_RUN_MANAGER:
            _patch(BaseChatModel, name, _managed(getattr(BaseChatModel, name)))
        for cls in BATCHES:
            for name, around in _AROUND_BATCHES.items():
                if name in vars(cls):
                    # Not out of the dict: a wrapper of wrapt's tells its object by the class.
                    _patch(cls, name, around(getattr(cls, name)))
        for name in RETRIES:
            _patch(RunnableRetry, name, telling_of_tries(getattr(RunnableRetry, name)))
        for name in ASSIGNS:
            if hasattr(RunnableAssign, name):
                _patch(RunnableAssign, name, with_one_call(getattr(RunnableAssign, name)))
        _patch(AsyncCallbackManager, "on_llm_start", telling_all(AsyncCallbackManager.on_llm_start))
    with_graphs(_install_graphs)
    with_decision_models(_install_decisions)
    with_message_reducer(_install_reducer)


def _install_graphs(cls: type) -> None:
    with _lock:
        if cls not in _wrapped and _patched:
            stream, astream = cls.stream, cls.astream  # type: ignore[attr-defined]  # a Pregel
            _patch(cls, "stream", with_place(with_reentry(stream)))
            _patch(cls, "astream", with_async_place(with_async_reentry(astream)))
            _wrapped.add(cls)


def _install_decisions(cls: type) -> None:
    with _lock:
        if cls not in _wrapped and _patched:
            for name in DECISIONS:
                _patch(cls, name, _entry(getattr(cls, name), cls))
            _wrapped.add(cls)


def _install_reducer(cell: CellType) -> None:
    with _lock:
        if _patched and not hasattr(cell.cell_contents, OURS):
            wrapper = naming(cell.cell_contents)
            setattr(wrapper, OURS, True)
            _patched.append((cell, "cell_contents", cell.cell_contents))
            cell.cell_contents = wrapper


def uninstall() -> None:
    """Give LangChain its own functions back. Active runs record no more."""
    with _lock:
        for owner, name, original in reversed(_patched):
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        _patched.clear()
        _wrapped.clear()


def _patch(owner: type, name: str, replacement: Any) -> None:
    _patched.append((owner, name, vars(owner).get(name)))
    setattr(owner, name, replacement)


def _entry(original: Callable[..., Any], base: type) -> Callable[..., Any]:
    limited = base is BaseChatModel  # only they have a rate limiter

    @functools.wraps(original)
    def entry(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self) not in _wrapped:
            _wrap_class(type(self), base)
        if limited:
            limiter = self.rate_limiter
            if limiter is not None and type(limiter) not in _wrapped:
                _wrap_limiter(type(limiter))
        return original(self, *args, **kwargs)

    return entry


def _wrap_class(cls: type, base: type) -> None:
    with _lock:
        if cls in _wrapped:
            return
        names = PROVIDERS.get(base, DECISIONS.values())
        for name, maker in zip(names, _MAKERS.get(base, _DECISION_MAKERS), strict=True):
            method = getattr(cls, name)
            if method is getattr(base, name) or hasattr(method, OURS):
                continue
            wrapper = maker(method)
            setattr(wrapper, OURS, True)
            _patch(cls, name, wrapper)
        _wrapped.add(cls)


def _wrap_limiter(cls: type) -> None:
    """A call that the journal answers does not wait for its turn at the provider."""
    with _lock:
        if cls in _wrapped:
            return
        _patch(cls, "acquire", _unlimited(cls.acquire))  # type: ignore[attr-defined]  # a rate limiter's
        _patch(cls, "aacquire", _aunlimited(cls.aacquire))  # type: ignore[attr-defined]  # as above
        _wrapped.add(cls)


def _unlimited(original: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(original)
    def acquire(self: Any, *args: Any, **kwargs: Any) -> bool:
        return _is_known() or original(self, *args, **kwargs)

    return acquire


def _aunlimited(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def aacquire(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _is_known() or await original(self, *args, **kwargs)

    return aacquire


def _is_known() -> bool:
    step = pending.get()
    return step is not None and not step.scope.taken and step.attempt.knows(step.scope)


def _managed(original: Callable[..., Any]) -> Callable[..., Any]:
    """Say which of several prompts a provider is called for, also where it cannot see it."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def amanaged(self: Any, *args: Any, run_manager: Any = None, **kwargs: Any) -> Any:
            _expect(run_manager)
            return await original(self, *args, run_manager=run_manager, **kwargs)

        return amanaged

    @functools.wraps(original)
    def managed(self: Any, *args: Any, run_manager: Any = None, **kwargs: Any) -> Any:
        _expect(run_manager)
        return original(self, *args, run_manager=run_manager, **kwargs)

    return managed


def _expect(run_manager: Any) -> None:
    step = of_manager(run_manager)
    if step is not None:
        pending.set(step)
