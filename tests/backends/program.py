"""The demo's agent with OpenTelemetry, to be killed: ``python -m tests.backends.program JOB``.

It runs one run of an agent on a scripted model, sends spans and metrics by OTLP over gRPC as an app
would, and says on stdout how far it is. It never ends by itself where it is told to hold.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import SecretStr

from langchain_durable import Durable
from langchain_durable.demo.agent import Handbook, make_tools
from langchain_durable.demo.scenario import MODEL, QUESTION, SYSTEM

INTERVAL = 1.0
"""Seconds between two exports of metrics."""

DOLLARS = {"input": 3, "output": 12}
"""A million tokens."""

SECRET = "sk-proj-0123456789abcdefABCDEF"
HARMLESS = "basic information on task-0123456789abcdef01, pk_customer_orders_index, 4111 tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one attempt is to do. ``hold`` is the tool in which it waits to be killed."""

    run_id: str
    service: str
    models: str
    journal: str
    prefix: str
    endpoint: str
    hold: str = ""
    fail: bool = False
    leak: bool = False
    long_calls: int = 0
    long_text: int = 0
    prices: dict[str, float] = field(default_factory=lambda: dict(DOLLARS))
    timeout: float = 10.0
    """Seconds that one export may take, its repetitions included."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def say(said: str, **more: Any) -> None:
    sys.stdout.write(json.dumps({"said": said, **more}) + "\n")
    sys.stdout.flush()


def configure(job: Job) -> tuple[TracerProvider, MeterProvider]:
    """The SDK, as an app sets it up."""
    resource = Resource.create({"service.name": job.service})
    where = {"endpoint": job.endpoint, "insecure": True, "timeout": job.timeout}
    tracers = TracerProvider(resource=resource)
    spans = OTLPSpanExporter(**where)  # type: ignore[arg-type]  # one dict, several types
    # A batch of many long calls, where they are asked for, and else what an app waits for.
    delay = 60_000 if job.long_calls else 200
    tracers.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=delay))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(**where),  # type: ignore[arg-type]  # as above
        export_interval_millis=INTERVAL * 1000,
    )
    meters = MeterProvider([reader], resource=resource)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    return tracers, meters


def effect_of(job: Job) -> Any:
    def effect(name: str, key: str) -> None:
        if name == job.hold:
            say("held")
            threading.Event().wait()
        if name == "refund" and job.leak:
            leak()
        if name == "refund" and job.fail:
            raise RuntimeError(f"the bank refused the key {SECRET}")

    return effect


def leak() -> None:
    """A span of the app's own that nobody has thought about."""
    tracer = trace.get_tracer("program")
    with tracer.start_as_current_span("POST /refunds") as span:
        span.set_attribute("http.request.header.authorization", "Bearer abcdef0123456789")
        span.set_attribute("url.full", "https://clerk:hunter2@bank.example/refunds?amount=89")
        span.set_attribute("app.note", f"called with {SECRET} twice")
        span.set_attribute("input.value", "the customer's whole letter")
        span.set_attribute("app.header", "Authorization: Basic Y2xlcms6aHVudGVyMg==")
        span.set_attribute("app.harmless", HARMLESS)
        span.set_attribute("app.max_tokens", 4096)
        span.add_event("retry", {"app.header": f"Bearer {SECRET}"})


def agent_run(job: Job, durable: Durable) -> str:
    key = SecretStr(f"{job.run_id}/{job.service}")
    model = ChatOpenAI(model=MODEL, base_url=job.models, api_key=key, max_retries=0)
    vectors = OpenAIEmbeddings(
        model="embed-demo",
        base_url=job.models,
        api_key=key,
        max_retries=0,
        check_embedding_ctx_length=False,  # it would download a tokenizer
    )
    tools = make_tools(Handbook(name="handbook", vectors=vectors), effect_of(job))
    agent = durable.wrap(create_agent(model, tools, system_prompt=SYSTEM, name="clerk"))
    config = durable.config(job.run_id, tenant="acme")
    said = agent.invoke({"messages": [{"role": "user", "content": QUESTION}]}, config)
    return str(said["messages"][-1].text)


def long_run(job: Job, durable: Durable) -> str:
    """Calls whose prompts are long: captured, they make a large batch."""
    key = SecretStr(f"{job.run_id}/{job.service}")
    model = ChatOpenAI(model=MODEL, base_url=job.models, api_key=key, max_retries=0)
    with durable.run(job.run_id, input="long"):
        for number in range(job.long_calls):
            model.invoke(f"long {number} " + "x" * job.long_text)
    return "said"


def main() -> None:
    job = Job(**json.loads(sys.argv[1]))
    tracers, meters = configure(job)
    prices = {MODEL: job.prices}
    with Durable(job.journal, prefix=job.prefix, prices=prices, lease=1.0) as durable:
        start = time.monotonic()
        try:
            said = long_run(job, durable) if job.long_calls else agent_run(job, durable)
        except RuntimeError as exc:
            said = f"failed: {type(exc).__name__}"
        ran = time.monotonic() - start
    start = time.monotonic()
    tracers.shutdown()
    meters.shutdown()
    say("done", answer=said, ran=ran, shut=time.monotonic() - start)


if __name__ == "__main__":
    main()
