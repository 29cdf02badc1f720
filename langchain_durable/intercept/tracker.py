"""Where a call stands: LangChain's callbacks, turned into the live step tree.

The tracker hears of everything that starts and ends. It does no I/O and never answers: that
is the interceptors' work, at the provider's method. It runs inline, in the caller's own
context, so that what it sets in a context variable is there when the provider is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult

from langchain_durable.events import StepKind
from langchain_durable.identity.labels import (
    MODEL_NAME,
    PASSED_THROUGH,
    call_name,
    is_decision,
    label_of,
    model_inputs,
    model_name,
)
from langchain_durable.identity.message_ids import in_graph, name_output, name_tool_output
from langchain_durable.identity.tree import UNSEEN, Scope, is_streamed
from langchain_durable.intercept.cached import record_cached
from langchain_durable.intercept.scopes import CallScopes, R
from langchain_durable.intercept.step import Step, pending
from langchain_durable.recorder.answers import IN_DOUBT
from langchain_durable.recorder.attempt import Attempt


class PathTracker(CallScopes[R], BaseCallbackHandler):
    """Follows one attempt's calls. Made and attached by us; not for use by programs."""

    run_inline = True
    raise_error = True

    def __init__(self, attempt: R) -> None:
        super().__init__(attempt)
        self._told = attempt.trace.teller()
        self.warned_of_another = False

    @property
    def ignore_chain(self) -> bool:
        """LangChain's question before it tells of a call. In a forked child we hear nothing."""
        return self._attempt.forked

    ignore_llm = ignore_chat_model = ignore_retriever = ignore_agent = ignore_chain

    # -- starts ---------------------------------------------------------------------

    def _announce(self, scope: Scope) -> None:
        pending.set(Step(self._attempt, scope))

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: dict[str, Any] | Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("run_type") == "llm" and is_decision(metadata):
            self._decision(inputs, run_id, parent_run_id, tags, metadata)
            return
        name = call_name(kwargs.get("name"), serialized)
        label = label_of(name, tags, metadata)
        if label != name and metadata is not None:
            graph = in_graph.get()
            if graph is not None and graph.first_step is not None:
                label = label_of(name, tags, graph.unforked(metadata))
        if self._passing.chains and self._passing.tries(run_id, parent_run_id, label):
            retried = self.scope(parent_run_id)
            if retried is not None and not retried.span_id:
                # What is tried may be an agent, and knows it.
                told = (kwargs.get("name"), serialized, tags, metadata, inputs)
                self._told.chain(retried, *told)
            return
        if name in PASSED_THROUGH:
            self._passing.enter(run_id, parent_run_id, tags)
        # A place in a graph or a sequence is had once: the label alone tells it,
        seen = inputs if label == name else UNSEEN
        scope = self._enter(run_id, parent_run_id, label, seen)
        if scope.apart:  # unless what stands there makes a batch of calls
            scope.inputs = inputs
        if type(scope.maker) is int and is_streamed(inputs):
            scope.maker = None  # each piece may be asked for in another thread
        self._told.chain(scope, kwargs.get("name"), serialized, tags, metadata, inputs)

    def _decision(
        self,
        request: Any,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: list[str] | None,
        metadata: dict[str, Any] | None,
    ) -> None:
        params = {"model": (metadata or {}).get(MODEL_NAME)}
        called = {"invocation_params": params}
        scope = self._model(None, request, run_id, parent_run_id, tags, called)
        self._told.model(scope, None, params, metadata, None, completion=False)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        scope = self._model(serialized, messages[0], run_id, parent_run_id, tags, kwargs)
        params = kwargs.get("invocation_params")
        self._told.model(scope, serialized, params, metadata, messages[0], completion=False)

    def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        scope = self._model(serialized, prompts[0], run_id, parent_run_id, tags, kwargs)
        params = kwargs.get("invocation_params")
        self._told.model(scope, serialized, params, metadata, prompts[0], completion=True)

    def _model(
        self,
        serialized: dict[str, Any] | None,
        prompt: Any,
        run_id: UUID,
        parent_run_id: UUID | None,
        tags: list[str] | None,
        kwargs: Mapping[str, Any],
    ) -> Scope:
        params = kwargs.get("invocation_params") or {}
        name = model_name(params, serialized)
        label = label_of(f"model:{name}", tags)
        inputs = model_inputs(prompt, params)
        scope = self._enter(run_id, parent_run_id, label, inputs, kind=StepKind.MODEL, name=name)
        scope.called_as = run_id
        self._announce(scope)
        return scope

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = (serialized or {}).get("name") or "tool"
        arguments = inputs if inputs is not None else input_str
        call_id = kwargs.get("tool_call_id")
        attributes = {"args": arguments}
        if call_id:
            attributes["tool_call_id"] = call_id
        if metadata and IN_DOUBT in metadata:
            attributes[IN_DOUBT] = metadata[IN_DOUBT]
        scope = self._enter(
            run_id,
            parent_run_id,
            label_of(f"tool:{name}", tags),
            (arguments, call_id),
            kind=StepKind.TOOL,
            name=name,
            attributes=attributes,
        )
        self._announce(scope)
        self._told.tool(scope, serialized, metadata, call_id, arguments)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = kwargs.get("name") or "retriever"
        scope = self._enter(
            run_id,
            parent_run_id,
            label_of(f"retriever:{name}", tags),
            query,
            kind=StepKind.RETRIEVER,
            name=name,
        )
        self._announce(scope)
        self._told.retriever(scope, metadata, query)

    # -- in between -----------------------------------------------------------------

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A step has something to say before it ends."""
        scope = self._scopes.get(run_id.int)
        if scope is not None and scope.events is not None:
            scope.events.append((name, data))

    # -- ends -----------------------------------------------------------------------

    def on_chain_end(self, outputs: dict[str, Any], *, run_id: UUID, **kwargs: Any) -> None:
        scope = self._scopes.get(run_id.int)
        if scope is not None and (call := in_graph.get()) is not None:
            name_output(call, scope, outputs, kwargs.get("tags"))
        self._leave(run_id, outputs=outputs)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        scope = self._scopes.get(run_id.int)
        if scope is not None and not scope.taken:
            record_cached(self._attempt, scope, response)
        self._leave(run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        scope = self._scopes.get(run_id.int)
        if scope is not None and (call := in_graph.get()) is not None:
            name_tool_output(call, scope, output)
        self._leave(run_id)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._leave(run_id)

    def _failed(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._leave(run_id, error)

    on_chain_error = on_llm_error = on_tool_error = on_retriever_error = _failed

    def on_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """LangGraph looks for this on every handler in a config, and warns if it is missing."""

    def on_resume(self, *args: Any, **kwargs: Any) -> None:
        """LangGraph looks for this on every handler in a config, and warns if it is missing."""


RunTracker = PathTracker[Attempt]
"""Follows a run's calls. For annotations: to call the alias is slower than to call the class."""
