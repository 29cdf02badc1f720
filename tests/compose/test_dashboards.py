"""The Grafana dashboards: well formed, and asking for what exists."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # as in files.py
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.compose.conftest import Emitted
from tests.compose.files import COLLECTOR, dashboards, read_yaml, rules, tool
from tests.compose.promql import label_names, metric_names, plain

SOURCES = {
    source["uid"]: source
    for source in read_yaml(
        COLLECTOR / "grafana" / "provisioning" / "datasources" / "datasources.yml"
    )["datasources"]
}
SPAN_METRICS = {"traces_span_metrics_calls_total"}
SPAN_LABELS = {"service_name", "span_name", "status_code", "error_type", "span_kind"}
PROMETHEUS = {"job", "instance", "le", "alertstate"}
UNITS = {"currencyUSD", "short", "s", "percentunit", "cps"}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            yield name, panel


def expressions() -> list[tuple[str, str, str]]:
    """(dashboard, panel's title, expression as it is sent) of all queries."""
    return [
        (name, panel["title"], plain(target["expr"]))
        for name, panel in panels()
        for target in panel["targets"]
    ]


def test_there_are_three_small_dashboards_with_ids_of_their_own() -> None:
    found = dashboards()
    assert set(found) == {"cost", "reliability", "latency"}
    assert len({dashboard["uid"] for dashboard in found.values()}) == 3
    assert len({dashboard["title"] for dashboard in found.values()}) == 3
    assert all(len(dashboard["panels"]) <= 12 for dashboard in found.values())
    for dashboard in found.values():
        assert "id" not in dashboard, "an id belongs to one Grafana"
        counted = Counter(panel["id"] for panel in dashboard["panels"])
        assert max(counted.values()) == 1


def test_every_query_goes_to_a_provisioned_source() -> None:
    for name, panel in panels():
        for asked in (panel, *panel["targets"]):
            assert SOURCES[asked["datasource"]["uid"]]["type"] == asked["datasource"]["type"], name
    for dashboard in dashboards().values():
        for variable in dashboard["templating"]["list"]:
            assert variable["datasource"]["uid"] in SOURCES


def test_exemplars_lead_to_jaeger() -> None:
    (destination,) = SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination == {"name": "trace_id", "datasourceUid": "jaeger"}
    told = [panel for _, panel in panels() if "lead to a trace" in panel["description"]]
    assert len(told) >= 6
    for panel in told:
        if panel["title"] != "Tokens":
            assert any(target.get("exemplar") for target in panel["targets"]), panel["title"]


def test_every_panel_has_a_unit_a_description_and_a_query() -> None:
    for name, panel in panels():
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, (name, panel["title"])
        assert panel["description"], (name, panel["title"])
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_no_panel_lies_over_another_or_outside() -> None:
    for name, dashboard in dashboards().items():
        places = [(panel["title"], panel["gridPos"]) for panel in dashboard["panels"]]
        for title, place in places:
            assert 0 <= place["x"] <= 24 - place["w"], (name, title)
        for (one, a), (other, b) in combinations(places, 2):
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            assert beside or above, (name, one, other)


def test_every_variable_is_used_and_every_used_one_exists() -> None:
    for name, dashboard in dashboards().items():
        given = {variable["name"] for variable in dashboard["templating"]["list"]}
        text = " ".join(target["expr"] for p in dashboard["panels"] for target in p["targets"])
        used = {variable for variable in ("job", "tenant", "model") if f"${variable}" in text}
        assert used == given, name


def test_prometheus_parses_every_query(tmp_path: Path) -> None:
    queries = [*expressions(), *(("-", "-", expression) for expression in _variable_metrics())]
    numbered = [
        {"record": f"query:number:{number}", "expr": expression}
        for number, (_, _, expression) in enumerate(queries)
    ]
    rule_file = tmp_path / "queries.yml"
    rule_file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": numbered}]}))
    command = [tool("promtool", "Debian's package prometheus"), "check", "rules", str(rule_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries)} rules found" in done.stdout


def _variable_metrics() -> list[str]:
    """The metrics that template variables take their values from: label_values(metric, label)."""
    return [
        variable["definition"].removeprefix("label_values(").split(",")[0]
        for dashboard in dashboards().values()
        for variable in dashboard["templating"]["list"]
    ]


@pytest.mark.parametrize(
    ("dashboard", "title", "expression"),
    expressions(),
    ids=[f"{name}: {title}" for name, title, _ in expressions()],
)
def test_a_panel_asks_for_what_is_emitted_or_recorded(
    dashboard: str, title: str, expression: str, emitted: Emitted
) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    known = emitted.series | recorded | SPAN_METRICS | {"ALERTS"}
    assert metric_names(expression) <= known, (dashboard, title)
    assert label_names(expression) <= emitted.labels | PROMETHEUS | SPAN_LABELS, (dashboard, title)


def test_variables_take_their_values_from_what_is_emitted(emitted: Emitted) -> None:
    assert set(_variable_metrics()) <= emitted.series


def test_grafanas_own_schema_knows_all_that_a_dashboard_says() -> None:
    register_default_plugins()
    lost = {
        f"{name}{path}"
        for name, dashboard in dashboards().items()
        for path in _lost(dashboard, _through_the_schema(dashboard))
    }
    # Grafana writes it beside a variable's query; its schema has it not.
    expected = re.compile(r"\w+/templating/list/\d/definition")
    assert [path for path in lost if not expected.fullmatch(path)] == []


def _through_the_schema(dashboard: Any) -> Any:
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def _lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """The paths at which ``kept`` is not what ``given`` is. What it has more is a default."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from _lost(value, kept.get(key), f"{path}/{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, pair in enumerate(zip(given, kept, strict=True)):
            yield from _lost(*pair, f"{path}/{number}")
    elif given != kept:
        yield path
