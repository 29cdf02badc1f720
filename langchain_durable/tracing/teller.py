"""What callbacks tell of the calls that start, kept until a span is made of it, if ever."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from langchain_durable.identity.tree import Scope
from langchain_durable.spans.chains import (
    Role,
    agent_name,
    agent_started,
    chain_role,
    is_node,
    prompt_name,
    workflow_started,
)
from langchain_durable.spans.content import Content
from langchain_durable.spans.models import model_started
from langchain_durable.spans.retrievers import retriever_started
from langchain_durable.spans.tools import tool_started
from langchain_durable.tracing.guard import harmless, nothing

Told = Mapping[str, Any] | None


class Teller:
    """Gives a scope its ``describe``: a call that the journal answers is never described.

    ``content`` is there if the app captures what calls say on spans, ``on_events`` if it does on
    events. ``top`` False: calls at the top have nothing to do with each other, as those of a
    whole process.
    """

    def __init__(
        self, content: Content | None, *, on_events: Content | None = None, top: bool = True
    ) -> None:
        self._content = content
        self._on_events = on_events
        self._top = top

    @harmless(nothing)
    def chain(
        self,
        scope: Scope,
        name: str | None,
        serialized: Told,
        tags: Sequence[str] | None,
        metadata: Told,
        inputs: Any,
    ) -> None:
        """A chain has started: an agent, the root of a call, or only machinery."""
        above = scope.parent
        if serialized is not None and above is not None:
            prompt = prompt_name(name, serialized, metadata)
            if prompt and (self._top or above.parent is not None):
                above.template = prompt
        if is_node(tags):
            return
        inside = scope.caller
        role = chain_role(
            name,
            metadata,
            tags,
            is_root=above is None or above.parent is None,
            serialized=serialized,
            inside=inside,
        )
        if role is None:
            return
        scope.entered = time.time_ns()
        if role is Role.AGENT:
            scope.agent = agent_name(name, metadata, inside) or ""
            scope.describe = partial(agent_started, name, metadata, inside)
        else:
            scope.describe = partial(workflow_started, name, metadata)
        if self._content is not None:
            scope.content = partial(self._content.chain_input, inputs)

    @harmless(nothing)
    def model(
        self,
        scope: Scope,
        serialized: Told,
        params: Told,
        metadata: Told,
        prompt: Any,
        *,
        completion: bool,
    ) -> None:
        """A model call has started. One without a prompt is no conversation to be shown."""
        scope.prompt = prompt
        above = scope.parent
        made_from = None
        if above is not None and above.template is not None:
            made_from, above.template = above.template, None
        scope.describe = partial(
            model_started,
            serialized,
            params,
            metadata,
            completion=completion,
            prompt=made_from,
        )
        if self._content is not None and prompt is not None:
            scope.content = partial(self._content.model_input, prompt, params)
        if self._on_events is not None:
            scope.event = partial(self._on_events.model_event, prompt, params)

    @harmless(nothing)
    def tool(
        self, scope: Scope, serialized: Told, metadata: Told, call_id: str | None, arguments: Any
    ) -> None:
        """A tool call has started."""
        scope.describe = partial(tool_started, serialized, metadata, call_id, agent=scope.caller)
        if self._content is not None:
            scope.content = partial(self._content.tool_input, arguments)

    @harmless(nothing)
    def retriever(self, scope: Scope, metadata: Told, query: str) -> None:
        """A retrieval has started."""
        scope.describe = partial(retriever_started, metadata)
        if self._content is not None:
            scope.content = partial(self._content.retriever_input, query)
