"""The alert and recording rules: by promtool, and against what the library emits."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.compose.conftest import Emitted
from tests.compose.files import RULE_TESTS, RULES, read_yaml, rules, tool
from tests.compose.promql import label_names, metric_names

ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
OF_A_TENANT = "langchain_durable:tenant_budget_usd:per_hour"
"""A rule that users write."""

PROMETHEUS = {"job", "instance", "le"}


def promtool(*arguments: object) -> None:
    command = [tool("promtool", "Debian's package prometheus"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_must_and_are_silent_when_they_must_not(path: object) -> None:
    promtool("test", "rules", path)


def test_every_alert_is_seen_firing_and_seen_silent() -> None:
    text = "\n".join(path.read_text("utf-8") for path in RULE_TESTS)
    firing = set(re.findall(r'alertname="(\w+)", alertstate="firing", severity', text))
    firing |= set(re.findall(r'alertname="(\w+)", alertstate="firing"}', text))
    assert firing == set(ALERTS)
    silent = [
        case
        for path in RULE_TESTS
        for test in read_yaml(path)["tests"]
        for case in test["promql_expr_test"]
        if case["exp_samples"] == []
    ]
    assert len(silent) >= 8


def test_the_issues_six_dangers_have_an_alert() -> None:
    wanted = {"BudgetBurn", "CrashLoop", "ModelErrors", "FirstTokenSlow", "RunsStuck"}
    assert wanted | {"UnpricedModel"} <= set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description"}
    assert len(alert["annotations"]["summary"]) < 140
    assert len(alert["annotations"]["description"]) > 80


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_tells_only_labels_that_it_has(name: str) -> None:
    texts = " ".join(ALERTS[name]["annotations"].values())
    told = set(re.findall(r"\$labels\.(\w+)", texts))
    known = label_names(ALERTS[name]["expr"])
    for metric in metric_names(ALERTS[name]["expr"]) & RECORDED:
        recorded = next(rule for rule in rules() if rule.get("record") == metric)
        known |= label_names(recorded["expr"])
    assert told <= known | ({"instance"} if name == "TelemetryDown" else set())


def test_rules_ask_for_what_is_emitted_or_recorded(emitted: Emitted) -> None:
    for rule in rules():
        known = emitted.series | RECORDED | {"up", OF_A_TENANT}
        assert metric_names(rule["expr"]) <= known, rule
        assert label_names(rule["expr"]) <= emitted.labels | PROMETHEUS, rule


def test_every_recorded_series_is_used() -> None:
    from tests.compose.test_dashboards import expressions

    used = set().union(*(metric_names(rule["expr"]) for rule in rules()))
    used |= set().union(*(metric_names(expression) for _, _, expression in expressions()))
    assert used >= RECORDED
