"""A shop that answers its customers until it is stopped: what docker-compose.yml runs.

    python examples/compose/shop.py     # until Ctrl-C
    python examples/compose/shop.py 3   # three customers

It needs no key: a script on this machine plays the models. Traces and metrics go to the
collector of OTEL_EXPORTER_OTLP_ENDPOINT. With SHOP_DIES_AT=10 the process kills itself (SIGKILL)
while it pays its tenth customer back. Compose starts it again, and it goes on with that
customer's run: the calls that had finished are not made again, and Jaeger has one trace.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from typing import Any
from uuid import uuid4

from langchain.agents import create_agent
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import SecretStr

from langchain_durable import Durable, idempotency_key
from langchain_durable.events import RunStatus
from langchain_durable.testing.openai_server import Rule, ScriptedOpenAI, ToolCall

MODELS = ("gpt-5-mini", "gpt-4.1")
TENANTS = ("north", "south")
DIES_AT = int(os.environ.get("SHOP_DIES_AT", "0"))
PAUSE = float(os.environ.get("SHOP_PAUSE", "5"))

RULES = (
    Rule(
        role="user",
        when=r"order (\d+)",
        calls=(
            ToolCall(name="look_up_order", args={"number": r"\1"}),
            ToolCall(name="track_parcel", args={"number": r"\1"}),
        ),
        delay=0.5,
        reasoning_tokens=320,
    ),
    Rule(
        role="tool",
        when=r"parcel of order (\d+) is lost",
        calls=(ToolCall(name="refund", args={"number": r"\1"}),),
        delay=0.4,
        reasoning_tokens=128,
    ),
    Rule(
        role="tool",
        when=r"refunded (\d+)",
        says=r"I am sorry: your parcel was lost. I refunded \1 EUR.",
        delay=0.3,
        chunk_delay=0.02,
    ),
)

doomed = False
"""Whether the next refund is the one that this process does not survive."""


@tool
def look_up_order(number: str) -> str:
    """Look an order up."""
    time.sleep(0.1)
    return f"order {number}: a coffee grinder, 89 EUR"


@tool
def track_parcel(number: str) -> str:
    """Ask the courier where the parcel of an order is."""
    time.sleep(0.3)
    return f"the parcel of order {number} is lost"


@tool
def refund(number: str) -> str:
    """Pay the price of an order back."""
    if doomed:
        print(f"killed while it refunds order {number}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    print(f"refunded order {number} under key {idempotency_key()}", flush=True)
    return f"refunded 89 EUR for order {number}"


def observe() -> None:
    """Send spans and metrics to the collector. A name of its own tells this process's counters
    from those of the processes before it."""
    resource = Resource.create({"service.instance.id": str(uuid4())})
    spans = TracerProvider(resource=resource)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(spans)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def make_agent(durable: Durable, model: str, url: str) -> Runnable[Any, Any]:
    """The shop's agent on one model, wrapped."""
    agent = create_agent(
        ChatOpenAI(model=model, base_url=url, api_key=SecretStr("demo"), stream_usage=True),
        [look_up_order, track_parcel, refund],
        system_prompt="You answer the customers of a shop. Refund what was lost.",
        name="shop",
    )
    return durable.wrap(agent, name=f"shop-{model}")  # the one line


def go_on(durable: Durable) -> None:
    """Finish what an earlier process has left: its customers still wait."""
    for status in (RunStatus.RUNNING, RunStatus.PAUSED):
        for left in durable.runs(status=status):
            print(f"going on with {left.run_id}", flush=True)
            durable.resume(left.run_id)


def serve(customers: int | None) -> None:
    """Answer one customer after another."""
    global doomed
    with ScriptedOpenAI(RULES) as server, Durable() as durable:
        agents = [make_agent(durable, model, server.url) for model in MODELS]
        go_on(durable)
        for count in itertools.count(1) if customers is None else range(1, customers + 1):
            doomed = count == DIES_AT
            number = int(time.time())
            question = {"role": "user", "content": f"Where is my order {number}?"}
            config = durable.config(f"order-{number}", tenant=TENANTS[count % len(TENANTS)])
            for _ in agents[count % len(agents)].stream(
                {"messages": [question]}, config, stream_mode="messages"
            ):
                pass
            print(f"answered order {number}", flush=True)
            time.sleep(PAUSE)


if __name__ == "__main__":
    observe()
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else None)
