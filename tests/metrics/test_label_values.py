"""No label grows without bounds."""

from __future__ import annotations

import pytest

from langchain_durable.events import Outcome, StepKind
from langchain_durable.metrics.label_values import LONGEST, MOST, OTHER, LabelValues
from tests.metrics.reading import Metered


def test_a_long_value_is_cut() -> None:
    assert LabelValues().bounded("model", "x" * 1000) == "x" * LONGEST


def test_the_value_after_the_last_is_other(caplog: pytest.LogCaptureFixture) -> None:
    values = LabelValues()
    names = [f"model-{number}" for number in range(MOST)]
    assert [values.bounded("model", name) for name in names] == names
    assert not caplog.records
    assert [values.bounded("model", name) for name in ("one-more", "and-more")] == [OTHER] * 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "model" in caplog.text
    assert values.bounded("model", names[0]) == names[0]


def test_labels_are_bounded_each_on_its_own() -> None:
    values = LabelValues()
    for number in range(MOST + 1):
        values.bounded("model", str(number))
    assert values.bounded("tenant", "acme") == "acme"


def test_a_metric_has_no_more_series_than_that() -> None:
    metered = Metered()
    for number in range(MOST + 50):
        metered.meters.step_ended(
            kind=StepKind.TOOL, name=f"tool-{number}", outcome=Outcome.COMPLETED, seconds=1
        )
    points = metered.points("gen_ai.execute_tool.duration")
    assert len(points) == MOST + 1
    assert {labels["gen_ai.tool.name"]: value for labels, value in points}[OTHER] == 50
