"""Changed copies of LangGraph's records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from langchain_durable.intercept.changed import changed, is_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    left: int
    right: int = 2


@dataclass
class One:
    only: list[int]


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (Several(left=1), {"right": 3}),
        (Several(left=1), {}),
        (One([1]), {"only": [2]}),
        (One([1]), {}),
        (Nothing(), {}),
    ],
)
def test_it_does_what_dataclasses_do(record: object, fields: dict[str, object]) -> None:
    assert changed(record, **fields) == replace(record, **fields)  # type: ignore[type-var]  # all are dataclasses


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="middle"):
        changed(Several(left=1), middle=2)


def test_a_class_is_no_record_and_its_instance_is() -> None:
    assert is_record(One([1]))
    assert not is_record(One)
    assert not is_record({"left": 1})
