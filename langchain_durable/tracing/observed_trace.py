"""The spans of calls that no journal is kept of: they stand under what is current."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, create_key, get_current, set_value
from opentelemetry.trace import SpanContext

from langchain_durable.events import ErrorInfo, Outcome
from langchain_durable.identity.tree import Scope
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing.agent_spans import OpenAgent
from langchain_durable.tracing.guard import harmless
from langchain_durable.tracing.inside import Inside
from langchain_durable.tracing.step_spans import StepSpans
from langchain_durable.tracing.telemetry import Telemetry

_INSIDE = create_key("langchain_durable.inside")
"""The agent whose code a context is for."""


def _nowhere() -> SpanContext | None:
    """Where a span is that cannot be made."""
    return None


class ObservedTrace(StepSpans):
    """Opens spans for the calls of a process, and for the agents and chains around them.

    There is no run and no attempt: an outermost call stands under the program's current span,
    or begins a trace.
    """

    _is_one_program = False

    def __init__(self, telemetry: Telemetry, new_id: Callable[[int], str]) -> None:
        super().__init__(telemetry, new_id)
        self.span_id = ""

    def start_step(self, scope: Scope, time: int) -> dict[str, object]:
        self._sink = self._telemetry.sink()
        self._telemetry.metering.look()
        return super().start_step(scope, time)

    def _trace_of(self, scope: Scope) -> str:
        return _root(scope).trace

    def _named(self, scope: Scope) -> Attributes:
        return {}

    def _named_agent(self) -> Attributes:
        return {}

    def _open_above(self, scope: Scope | None) -> str:
        if scope is not None and scope.parent is not None:
            root = _root(scope)
            if not root.trace:
                self._place(root)
        parent = super()._open_above(scope)
        self._begun.clear()
        return parent

    def enter_chain(self, scope: Scope) -> None:
        """A chain has started: an outermost one stands under what is current now."""
        if scope.parent is scope.tree.top:
            scope.around = trace.get_current_span().get_span_context()

    def nest(self, scope: Scope, context: contextvars.Context) -> None:
        """Have what is begun in a context stand below the agent, or the root, of a scope.

        Not where a step is nearer: its own span is current. Nor where it is so already: what is
        current may be a span of the program's own in there.
        """
        agent: Scope | None = scope
        while agent is not None and agent.describe is None:
            agent = agent.parent
        current = context.run(get_current)
        if agent is None or agent.kind is not None or current.get(_INSIDE) is agent:
            return
        inside = Inside(trace.get_current_span(current), partial(self._at, agent))
        current = set_value(_INSIDE, agent, trace.set_span_in_context(inside, current))
        context.run(attach, current)

    @harmless(_nowhere)
    def _at(self, agent: Scope) -> SpanContext | None:
        """Where an agent's span is; it gets one now, if it has none."""
        if not agent.span_id:
            self._sink = self._telemetry.sink()
            if self._sink is None or agent.over:
                return None
            self._open_above(agent)
        return self._context(agent, agent.span_id)

    def _place(self, root: Scope) -> None:
        """Find out where an outermost call stands, at the first call that it makes."""
        around = root.around or trace.get_current_span().get_span_context()
        if around.is_valid:
            root.trace = trace.format_trace_id(around.trace_id)
            root.above = trace.format_span_id(around.span_id)
            root.sampled = around.trace_flags.sampled
        else:
            root.trace = self._new_id(16)
        start = root.describe() if root.describe is not None else None
        if self._sink is not None and start is not None:
            above = trace.set_span_in_context(trace.NonRecordingSpan(around))
            root.sampled = self._sink.is_sampled(int(root.trace, 16), start, above)

    def _context(self, scope: Scope, span_id: str) -> SpanContext | None:
        return span_context(self._trace_of(scope), span_id, sampled=_root(scope).sampled)

    def _close(self, agent: OpenAgent, outcome: Outcome, info: ErrorInfo | None) -> None:
        scope = agent.scope
        root = _root(scope)
        if scope is root:
            scope.parent_span_id = root.above
        if root.sampled:
            super()._close(agent, outcome, info)
        self._left.clear()

    def _export(self, span: Any, context: Context) -> None:
        self._sink.emit([span], context)


def _root(scope: Scope) -> Scope:
    """The outermost call that this one is made in: it stands right under the tree's top."""
    while scope.parent is not None and scope.parent.parent is not None:
        scope = scope.parent
    return scope
