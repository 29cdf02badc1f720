"""The spans of calls that no journal is kept of: they stand under what is current."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.trace import SpanContext

from langchain_durable.events import ErrorInfo, Outcome
from langchain_durable.identity.tree import Scope
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.start import Attributes
from langchain_durable.tracing.agent_spans import OpenAgent
from langchain_durable.tracing.attempt_trace import AttemptTrace
from langchain_durable.tracing.telemetry import Telemetry


class ObservedTrace(AttemptTrace):
    """Opens spans for the calls of a process, and for the agents and chains around them.

    There is no run and no attempt: an outermost call stands under the program's current span,
    or begins a trace.
    """

    _is_one_program = False

    def __init__(self, telemetry: Telemetry, new_id: Callable[[int], str]) -> None:
        super().__init__(telemetry, "", new_id)
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

    def _open_above(self, scope: Scope | None, said: dict[str, object]) -> str:
        if scope is not None and scope.parent is not None:
            root = _root(scope)
            if not root.trace:
                self._place(root)
        return super()._open_above(scope, said)

    def enter_chain(self, scope: Scope) -> None:
        """A chain has started: an outermost one stands under what is current now."""
        if scope.parent is scope.tree.top:
            scope.around = trace.get_current_span().get_span_context()

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


def _root(scope: Scope) -> Scope:
    """The outermost call that this one is made in: it stands right under the tree's top."""
    while scope.parent is not None and scope.parent.parent is not None:
        scope = scope.parent
    return scope
