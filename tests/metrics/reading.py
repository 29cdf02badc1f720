"""Meters on a real SDK provider, and what its reader gives in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric, MetricReader

from langchain_durable.metrics import Meters


def metrics_of(reader: InMemoryMetricReader) -> dict[str, Metric]:
    """What a reader has, by name."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    return {
        metric.name: metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def points_of(reader: InMemoryMetricReader, name: str) -> list[tuple[dict[str, Any], float]]:
    """(labels, sum) of each point of a metric, in the order of the labels."""
    metric = metrics_of(reader).get(name)
    if metric is None:
        return []
    points: Any = metric.data.data_points
    found = [
        (dict(point.attributes), point.value if hasattr(point, "value") else point.sum)
        for point in points
    ]
    return sorted(found, key=lambda point: sorted(point[0].items()))


class Metered:
    """A provider of its own, and meters on it."""

    def __init__(self, more: Sequence[MetricReader] = (), **options: Any) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader, *more], shutdown_on_exit=False)
        self.meters = Meters(self.provider, **options)

    def metrics(self) -> dict[str, Metric]:
        return metrics_of(self.reader)

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        return points_of(self.reader, name)
