"""Jaeger's HTTP API: a trace's spans, and the numbers of its Monitor tab."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.backends.services import eventually

ERROR = 2
"""The status code of OTLP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as Jaeger shows it."""

    name: str
    span_id: str
    parent: str
    trace_id: str
    start: int
    end: int
    attributes: dict[str, Any]
    error: bool
    message: str
    events: list[dict[str, Any]]

    @property
    def operation(self) -> str:
        """The first word of its name: ``chat``, ``execute_tool``."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Jaeger:
    """``url`` is that of its pages and its API, ``otlp`` takes spans over gRPC."""

    url: str
    otlp: str

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as response:
            return json.load(response)

    def spans(self, trace_id: str) -> list[Span]:
        """The spans of a trace; none for one that it does not know."""
        try:
            found = self.get(f"/api/v3/traces/{trace_id}")
        except urllib.error.HTTPError as refused:
            if refused.code == 404:
                return []
            raise
        return [
            _span(span)
            for resource in found["result"]["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def finished(self, trace_id: str, count: int | None = None) -> list[Span]:
        """The spans of a trace, once its root is there, and as many as ``count``."""

        def whole() -> list[Span] | None:
            spans = self.spans(trace_id)
            there = any(not span.parent for span in spans)
            return spans if there and (count is None or len(spans) >= count) else None

        return eventually(whole, f"trace {trace_id} in Jaeger")

    def monitor(self, metric: str, service: str, **more: str) -> dict[str, float]:
        """The last values of a metric of the Monitor tab, by operation: ``calls``, ``errors``."""
        query = [("service", service), ("groupByOperation", "true"), ("step", "1000")]
        query += [("ratePer", "60000"), ("lookback", "60000"), *more.items()]
        query += [("spanKind", kind) for kind in ("client", "internal")]
        found = self.get(f"/api/metrics/{metric}?{urlencode(query)}")
        values: dict[str, float] = {}
        for series in found["metrics"]:
            labels = {label["name"]: label["value"] for label in series["labels"]}
            points = [point["gaugeValue"]["doubleValue"] for point in series["metricPoints"]]
            numbers = [float(point) for point in points if point != "NaN"]
            if numbers:
                values[labels["operation"]] = numbers[-1]
        return values


def _span(said: dict[str, Any]) -> Span:
    status = said.get("status", {})
    return Span(
        name=said["name"],
        span_id=said["spanId"],
        parent=said.get("parentSpanId", ""),
        trace_id=said["traceId"],
        start=int(said["startTimeUnixNano"]),
        end=int(said["endTimeUnixNano"]),
        attributes=_attributes(said),
        error=status.get("code") in (ERROR, "STATUS_CODE_ERROR"),
        message=status.get("message", ""),
        events=[{"name": event["name"], **_attributes(event)} for event in said.get("events", [])],
    )


def _attributes(said: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: _value(each["value"]) for each in said.get("attributes", [])}


def _value(said: dict[str, Any]) -> Any:
    ((kind, value),) = said.items()
    if kind == "intValue":
        return int(value)
    if kind == "arrayValue":
        return [_value(each) for each in value.get("values", [])]
    return value
