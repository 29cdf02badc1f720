"""An agent that asks a person: ``python -m tests.tracing.asking URL SPANS SAID HOW DIES``.

SAID is the question (``start``) or an answer. Spans go to the file SPANS in a batch, at once, or
to nobody, as HOW says. DIES: killed with SIGKILL in its tool before the question (``asking``), or
when it has ended (``after``); or its tool exits (``exiting``), or has the agent drained
(``draining``), and then it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from langgraph.types import Command, interrupt
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

from langchain_durable import Durable
from tests.fakes import Model, calls
from tests.tracing.traced import RUN, Lines

_SLOW = 60_000
"""Milliseconds: no batch is sent unless somebody flushes."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def agent(dies: str, control: RunControl | None = None) -> Any:
    def answer(messages: Sequence[BaseMessage]) -> AIMessage | str:
        done = any(isinstance(message, ToolMessage) for message in messages)
        return "it is done" if done else calls(("approve", {"what": "the order"}))

    @tool
    def approve(what: str) -> str:
        """Have a person approve."""
        if dies == "asking":
            _die()
        if dies == "exiting":
            sys.exit("for now")
        if control is not None and dies == "draining":
            control.request_drain("SIGTERM")
            return f"{what}: yes"
        return f"{what}: {interrupt('may I?')}"

    return create_agent(Model(answer=answer), [approve], name="clerk")


def main(url: str, spans: str, said: str, how: str, dies: str = "") -> None:
    if how != "nobody":
        provider = TracerProvider()
        exporter = Lines(spans)
        provider.add_span_processor(
            SimpleSpanProcessor(exporter)
            if how == "at once"
            else BatchSpanProcessor(exporter, schedule_delay_millis=_SLOW)
        )
        trace.set_tracer_provider(provider)
    with Durable(url) as durable:
        control = RunControl()
        program = durable.wrap(agent(dies, control))
        asked = {"messages": [{"role": "user", "content": "order it"}]}
        given: Any = asked if said == "start" else Command(resume=said)
        try:
            out = program.invoke(given, durable.config(RUN), control=control)
        except (SystemExit, GraphDrained):
            durable.close()  # what was recorded is acknowledged; what was told may wait in a queue
            _die()
        print("asks" if "__interrupt__" in out else out["messages"][-1].text, flush=True)
        if dies == "after":
            _die()


if __name__ == "__main__":
    main(*sys.argv[1:])
