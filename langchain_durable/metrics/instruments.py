"""The instruments that metrics are recorded with, for one profile of the conventions."""

from __future__ import annotations

from opentelemetry.metrics import Counter, Histogram, Meter

from langchain_durable import semconv
from langchain_durable.semconv import Metric, Profile


def histogram(meter: Meter, metric: Metric) -> Histogram:
    """A histogram with the name, unit, description and buckets of the table."""
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets or None,
    )


def counter(meter: Meter, metric: Metric) -> Counter:
    """A counter with the name, unit and description of the table."""
    return meter.create_counter(metric.name, unit=metric.unit, description=metric.description)


class Instruments:
    """All of them; ``inference_calls`` and ``tool_calls`` are None but in the next profile."""

    def __init__(self, meter: Meter, profile: Profile) -> None:
        self.operation = histogram(meter, semconv.OPERATION_DURATION)
        self.inference = histogram(meter, semconv.INFERENCE_DURATION[profile])
        self.first_chunk = histogram(meter, semconv.TIME_TO_FIRST_CHUNK[profile])
        self.per_chunk = histogram(meter, semconv.TIME_PER_OUTPUT_CHUNK[profile])
        self.tool = histogram(meter, semconv.EXECUTE_TOOL_DURATION)
        self.agent = histogram(meter, semconv.INVOKE_AGENT_DURATION)
        self.workflow = histogram(meter, semconv.INVOKE_WORKFLOW_DURATION)
        self.inference_calls: Histogram | None = None
        self.tool_calls: Histogram | None = None
        if profile is Profile.NEXT:
            self.inference_calls = histogram(meter, semconv.AGENT_INFERENCE_CALLS)
            self.tool_calls = histogram(meter, semconv.AGENT_TOOL_CALLS)
        self.runs = counter(meter, semconv.RUNS)
        self.executed = counter(meter, semconv.STEPS_EXECUTED)
        self.replayed = counter(meter, semconv.STEPS_REPLAYED)
        self.cost = counter(meter, semconv.COST)
        self.saved = counter(meter, semconv.COST_SAVED)
        self.wasted = counter(meter, semconv.COST_WASTED)
        self.unpriced = counter(meter, semconv.UNPRICED_CALLS)
        self.journal = histogram(meter, semconv.JOURNAL_DURATION)
        self.leases = counter(meter, semconv.LEASES_LOST)
