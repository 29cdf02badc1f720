"""A handler that makes spans of what ``describe`` says, with the real SDK and no interception."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Status, set_span_in_context

from langchain_durable.spans.chains import (
    Role,
    agent_name,
    agent_started,
    chain_role,
    prompt_name,
    workflow_started,
)
from langchain_durable.spans.content import Content
from langchain_durable.spans.models import first_chunk, model_ended, model_started
from langchain_durable.spans.outcomes import ended, failed, outcome_of
from langchain_durable.spans.retrievers import retriever_started
from langchain_durable.spans.start import Start
from langchain_durable.spans.tools import tool_ended, tool_started


@dataclass(slots=True)
class Heard:
    """A span as it came about: what it said at its start and at its end, and the span itself."""

    start: Start
    span: Span
    ended: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None


class Listener(BaseCallbackHandler):
    """Follows LangChain's callbacks: one span for each call and agent. ``heard`` has all."""

    run_inline = True
    raise_error = True

    def __init__(self, content: Content) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self._tracer = provider.get_tracer("tests")
        self._content = content
        self.heard: dict[UUID, Heard] = {}
        self._above: dict[UUID, UUID | None] = {}
        self._agents: dict[UUID, str | None] = {}
        self._prompts: dict[UUID | None, str] = {}
        self._first: dict[UUID, int] = {}
        self._chunks: dict[UUID, dict[str, Any]] = {}

    # -- the tree -----------------------------------------------------------------------------

    def _enter(self, run_id: UUID, parent: UUID | None) -> None:
        self._above[run_id] = parent

    def _agent(self, run_id: UUID | None) -> str | None:
        while run_id is not None:
            if run_id in self._agents:
                return self._agents[run_id]
            run_id = self._above.get(run_id)
        return None

    def _open(self, run_id: UUID, start: Start, content: dict[str, Any]) -> None:
        above = self._above[run_id]
        while above is not None and above not in self.heard:
            above = self._above.get(above)
        context = set_span_in_context(self.heard[above].span) if above is not None else None
        attributes = {**start.attributes, **content}
        span = self._tracer.start_span(start.name, context, start.kind, attributes)
        self.heard[run_id] = Heard(start, span)
        self._first[run_id] = time.perf_counter_ns()

    def _close(self, run_id: UUID, told: dict[str, Any]) -> None:
        heard = self.heard.get(run_id)
        if heard is not None:
            heard.ended = told
            status, attributes = ended(outcome_of(None))
            _end(heard.span, {**told, **attributes}, status)

    def _fail(self, run_id: UUID, error: BaseException) -> None:
        status, attributes = failed(error)
        for other, heard in self.heard.items():
            if heard.span.is_recording() and self._is_under(other, run_id):
                heard.error = error
                _end(heard.span, attributes, status)

    def _is_under(self, run_id: UUID | None, above: UUID) -> bool:
        """A cancelled call is not told of its end: it ends with what made it."""
        while run_id is not None and run_id != above:
            run_id = self._above.get(run_id)
        return run_id is not None

    # -- callbacks ----------------------------------------------------------------------------

    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id)
        name = kwargs.get("name")
        inside = self._agent(parent_run_id)
        root = parent_run_id is None
        role = chain_role(name, metadata, tags, is_root=root, serialized=serialized, inside=inside)
        if role is Role.AGENT:
            self._agents[run_id] = agent_name(name, metadata, inside)
            start = agent_started(name, metadata, inside)
            self._open(run_id, start, self._content.chain_input(inputs))
        elif role is Role.WORKFLOW:
            start = workflow_started(name, metadata)
            self._open(run_id, start, self._content.chain_input(inputs))
        prompt = prompt_name(name, serialized, metadata)
        if prompt:
            self._prompts[parent_run_id] = prompt

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._close(run_id, self._content.chain_output(outputs) if run_id in self.heard else {})

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id)
        params = kwargs.get("invocation_params")
        prompt = self._prompts.pop(parent_run_id, None)
        start = model_started(serialized, params, metadata, prompt=prompt)
        self._open(run_id, start, self._content.model_input(messages[0], params))

    def on_llm_start(
        self,
        serialized: dict[str, Any],
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id)
        params = kwargs.get("invocation_params")
        start = model_started(serialized, params, metadata, completion=True)
        self._open(run_id, start, self._content.model_input(prompts[0], params))

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **kwargs: Any) -> None:
        began = self._first.pop(run_id, None)
        if began is not None:
            seconds = (time.perf_counter_ns() - began) / 1e9
            chunk = first_chunk(seconds)
            self.heard[run_id].span.set_attributes(chunk)
            self._chunks[run_id] = chunk

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        told = {**self._chunks.pop(run_id, {}), **model_ended(response)}
        self._close(run_id, {**told, **self._content.model_output(response)})

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

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
        self._enter(run_id, parent_run_id)
        agent = self._agent(parent_run_id)
        call = kwargs.get("tool_call_id")
        start = tool_started(serialized, metadata, call, agent=agent)
        arguments = inputs if inputs is not None else input_str
        self._open(run_id, start, self._content.tool_input(arguments))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        told = tool_ended(output, started=self.heard[run_id].start)
        self._close(run_id, {**told, **self._content.tool_output(output)})

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    def on_retriever_start(
        self,
        serialized: dict[str, Any],
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id)
        start = retriever_started(metadata)
        self._open(run_id, start, self._content.retriever_input(query))

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._close(run_id, self._content.retriever_output(documents))

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._fail(run_id, error)

    def on_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """LangGraph warns where it is missing."""

    def on_resume(self, *args: Any, **kwargs: Any) -> None:
        """LangGraph warns where it is missing."""


def _end(span: Span, told: dict[str, Any], status: Status) -> None:
    span.set_attributes(told)
    span.set_status(status)
    span.end()
