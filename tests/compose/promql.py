"""Names in PromQL, and the names that the Collector gives to OpenTelemetry's metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentelemetry.sdk.metrics.export import Histogram, Metric, Sum

_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_NAME = re.compile(r"(?<![\w:.$])[a-zA-Z_:][\w:]*\b(?!\s*\()")
_WORDS = {"by", "on", "or", "and", "unless", "offset", "bool", "ignoring", "without"}

_VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "1m"}


def plain(expression: str) -> str:
    """A dashboard's expression as Grafana sends it, with everything selected."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\w+", ".*", expression)


def metric_names(expression: str) -> set[str]:
    """The metrics that an expression asks for."""
    bare = _STRING.sub("", expression)
    for pattern in (_MATCHERS, _GROUPING):
        bare = pattern.sub(" ", bare)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    return {name for name in _NAME.findall(bare) if name not in _WORDS and not name[0].isdigit()}


def label_names(expression: str) -> set[str]:
    """The labels that an expression selects or groups by."""
    bare = _STRING.sub('""', expression)
    selected = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", " ".join(_MATCHERS.findall(bare)))
    grouped = re.findall(r"\w+", " ".join(_GROUPING.findall(_MATCHERS.sub("", bare))))
    return {*selected, *grouped}


def series_names(metric: Metric) -> set[str]:
    """The series that the Collector's Prometheus exporter makes of a metric.

    Dots become underscores, a unit its word, and a counter ends in ``_total``
    (OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility"). Units in braces
    are annotations, and leave no trace.
    """
    name = re.sub(r"\W", "_", metric.name)
    if metric.unit == "s":
        name += "_seconds"
    if isinstance(metric.data, Histogram):
        return {f"{name}_bucket", f"{name}_count", f"{name}_sum"}
    assert isinstance(metric.data, Sum)
    return {f"{name}_total" if metric.data.is_monotonic else name}


def labels_of(metrics: Iterable[Metric]) -> set[str]:
    """The labels that the points of these metrics have in Prometheus."""
    return {
        re.sub(r"\W", "_", key)
        for metric in metrics
        for point in metric.data.data_points
        for key in point.attributes or {}
    }
