"""No warning of an earlier test keeps a later one quiet."""

from __future__ import annotations

import pytest

from langchain_durable.metrics import guard, label_values


@pytest.fixture(autouse=True)
def _nothing_said_yet() -> None:
    for said in (guard.once.said, label_values.once.said):
        said.clear()
