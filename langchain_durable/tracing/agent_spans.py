"""The spans of agents and of outermost calls: they have no journal entries of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from opentelemetry.context import Context, get_current
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from langchain_durable.events import AttemptEnded, ErrorInfo, Outcome, StepKind
from langchain_durable.identity.tree import Scope
from langchain_durable.spans.compact import compact
from langchain_durable.spans.ids import span_context
from langchain_durable.spans.left import ABOVE, LEFT, as_its_attempt
from langchain_durable.spans.outcomes import describe, ended, outcome_of
from langchain_durable.spans.start import Attributes, Start
from langchain_durable.tracing.guard import harmless, nothing
from langchain_durable.tracing.telemetry import Telemetry

_MESSAGE_LIMIT = 500
"""Characters of an error that an agent's span keeps: its failed step has more of it."""


@dataclass(frozen=True, slots=True)
class OpenAgent:
    """An agent, or the root of a call, whose span has its id: ``calls`` are those it made.

    ``context`` is the one that it was opened in, which the app's span processors are shown.
    """

    scope: Scope
    start: Start
    began: int
    context: Context
    calls: dict[StepKind, int] = field(default_factory=dict)


class AgentSpans:
    """Gives an agent its span with its first live step, and makes it when the agent ends.

    The entries of steps tell the journal of it: the first one that it has begun, the next one
    after its end that it has ended.
    """

    def __init__(self, telemetry: Telemetry, new_id: Callable[[int], str]) -> None:
        self._telemetry = telemetry
        self._new_id = new_id
        self._lock = threading.RLock()  # see Attempt: garbage
        self._sink: Any = None
        self._agents: dict[int, OpenAgent] = {}
        self._begun: list[list[Any]] = []
        self._left: list[list[Any]] = []
        self._held: list[tuple[Any, Context]] = []
        self._told: list[tuple[Any, Context]] = []
        self.span_id = new_id(8)
        self._since = 0
        """When what they all stand under began. A run that is taken by its first step begins after
        the agents around that."""

    @harmless(nothing)
    def leave(self, scope: Scope, error: BaseException | None, outputs: Any = None) -> None:
        """An agent, or the root, has ended."""
        if scope.content is not None and error is None:
            scope.shown |= self._telemetry.chain_shown(outputs, scope.shown)
        with self._lock:
            known = self._agents.pop(id(scope), None)
        if known is not None:
            metering, context = self._telemetry.metering, self._exemplar(scope)
            metering.chain_ended(known.start, known.began, known.calls, error, context)
            info = None if error is None else describe(error)
            stopped = error is None and scope.stopped
            self._close(known, Outcome.INTERRUPTED if stopped else outcome_of(error), info)

    def _open_above(self, scope: Scope | None) -> str:
        """The span that a call stands under; agents get theirs with their first live step."""
        closed: list[Scope] = []
        while scope is not None and not scope.span_id:
            if scope.describe is not None:
                closed.append(scope)
            scope = scope.parent
        parent = scope.span_id if scope is not None else self.span_id
        for agent in reversed(closed):
            with self._lock:
                if not agent.span_id:  # else another of its steps was quicker
                    self._open_agent(agent, parent)
                parent = agent.span_id
        return parent

    def _open_agent(self, agent: Scope, parent: str) -> None:
        assert agent.describe is not None  # that is what has it opened
        start = agent.describe()
        if agent.content is not None:
            agent.shown = agent.content()
        agent.parent_span_id = parent
        agent.span_id = self._new_id(8)
        began = max(agent.entered, self._since)
        self._agents[id(agent)] = OpenAgent(agent, start, began, get_current())
        packed = compact(start, kind=None, name="")
        self._begun.append([agent.span_id, parent, began, packed])

    def note_begun(self, said: dict[str, Any]) -> None:
        """Have an entry tell of the agents that have begun since the last one.

        It is the next one to be sent, whichever of their steps it is of: one that comes sooner
        than the step that has opened an agent would stand under a span that nobody knows.
        """
        if self._begun:
            with self._lock:
                said[ABOVE], self._begun = self._begun, []

    def _count_call(self, scope: Scope) -> None:
        """Count a call for the agent that makes it."""
        assert scope.kind is not None  # only steps are counted
        above = scope.parent
        while above is not None and above.agent is None:
            above = above.parent
        with self._lock:
            agent = self._agents.get(id(above))
            if agent is not None:
                agent.calls[scope.kind] = agent.calls.get(scope.kind, 0) + 1

    def _close(self, agent: OpenAgent, outcome: Outcome, info: ErrorInfo | None) -> None:
        scope, time = agent.scope, self._telemetry.clock()
        if info is not None:
            info = replace(info, message=info.message[:_MESSAGE_LIMIT])
        failed = [] if info is None else [[info.module, info.qualname, info.message]]
        span = None if self._sink is None else self._closed(agent, time, outcome, info)
        with self._lock:
            self._left.append([scope.span_id, time, outcome.value, {}, *failed])
        if span is not None:
            self._export(span, agent.context)

    def _closed(self, agent: OpenAgent, time: int, outcome: Outcome, info: ErrorInfo | None) -> Any:
        from langchain_durable.spans.finished import Opened

        scope, start = agent.scope, agent.start
        status, told = ended(outcome, info)
        opened = Opened(
            Start(start.name, start.kind, {**start.attributes, **self._named_agent()}),
            agent.began,
            self._trace_of(scope),
            scope.span_id,
            (self._trace_of(scope), scope.parent_span_id) if scope.parent_span_id else None,
        )
        return self._finished(opened, time, status, {**told, **scope.shown})

    def _export(self, span: Any, context: Context) -> None:
        """Export an agent's span once the journal has been told of its end.

        A process that is killed before would leave a span that its journal takes for crashed.
        """
        with self._lock:
            self._held.append((span, context))

    def _export_told(self) -> None:
        with self._lock:
            told, self._told = self._told, []
        for span, context in told:
            self._sink.emit([span], context)

    @harmless(nothing)
    def _sweep(self, event: AttemptEnded) -> None:
        """Close the agents that were never told that they have ended: cancelled or abandoned."""
        with self._lock:
            known, self._agents = [*self._agents.values()], {}
        for agent in known:
            self._close(agent, *as_its_attempt(event))

    def _note_left(self, said: dict[str, Any]) -> None:
        """Have an entry tell of the agents that have ended since the last one."""
        with self._lock:
            left, self._left = self._left, []
            self._told += self._held
            self._held = []
        if left:
            said[LEFT] = left

    def _finished(self, opened: Any, time: int, status: Any, told: Attributes) -> Any:
        from langchain_durable.spans.finished import finished

        resource, scope = self._sink.resource, self._sink.scope
        return finished(opened, time, status, told, resource=resource, scope=scope)

    def _context(self, scope: Scope, span_id: str) -> SpanContext | None:
        """The context of the span that a scope stands under."""
        return span_context(self._trace_of(scope), span_id)

    def _trace_of(self, scope: Scope) -> str:
        """The trace that a scope's span is part of."""
        raise NotImplementedError

    def _exemplar(self, scope: Scope) -> Context | None:
        """The context by which a metric of an agent leads to its span, if that is sampled."""
        if self._sink is None or not _is_sampled(scope):
            return None
        found = self._context(scope, scope.span_id)
        return None if found is None else set_span_in_context(NonRecordingSpan(found), Context())

    def _named_agent(self) -> Attributes:
        """Which run an agent's span is of."""
        raise NotImplementedError


def _is_sampled(scope: Scope) -> bool:
    above: Scope | None = scope
    while above is not None and above.sampled:
        above = above.parent
    return above is None
