"""The live side of spans: opened while calls run, and handed to the program's own provider."""

from langchain_durable.tracing.attempt_trace import AttemptTrace
from langchain_durable.tracing.telemetry import Telemetry

__all__ = ["AttemptTrace", "Telemetry"]
