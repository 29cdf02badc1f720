"""Prometheus's HTTP API: sums and exemplars."""

from __future__ import annotations

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Prometheus:
    """``url`` is that of its pages and its API."""

    url: str

    def get(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}?{urlencode(query)}", timeout=10) as said:
            answer = json.load(said)
        assert answer["status"] == "success", answer
        return answer["data"]

    def series(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What an instant query gives: (labels, value) of each series."""
        result = self.get("/api/v1/query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression: str) -> float | None:
        """The one value of an expression; None as long as there is none."""
        found = self.series(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def exemplars(self, expression: str) -> list[dict[str, str]]:
        """The labels of all exemplars of the last ten minutes."""
        now = time.time()
        found = self.get(
            "/api/v1/query_exemplars", query=expression, start=str(now - 600), end=str(now + 1)
        )
        return [exemplar["labels"] for series in found for exemplar in series["exemplars"]]
