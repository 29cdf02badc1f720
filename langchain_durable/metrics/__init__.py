"""What calls and runs come to, as OpenTelemetry metrics.

``serving`` has them scraped by Prometheus; it needs the extra ``prometheus`` and is not
imported here.
"""

from langchain_durable.metrics.meters import Meters

__all__ = ["Meters"]
