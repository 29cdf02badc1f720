"""What we stand on in LangGraph and is no public API: a release that lacks it is refused."""

from __future__ import annotations

import importlib

import langgraph.pregel  # noqa: F401  # nothing is refused before it is imported
import pytest

from langchain_durable.errors import IncompatibleVersion
from langchain_durable.touchpoints import child_context
from langchain_durable.touchpoints import langgraph as touchpoints


def test_the_installed_langgraph_has_what_numbers_a_nodes_calls() -> None:
    touchpoints.check_langgraph()


@pytest.mark.parametrize("name", child_context.CHILD_CONTEXTS)
def test_the_installed_releases_make_contexts_where_we_look_for_it(name: str) -> None:
    assert callable(importlib.import_module(name).set_config_context)


def test_a_langgraph_that_numbers_a_nodes_calls_otherwise_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(touchpoints, "NUMBERED", (*touchpoints.NUMBERED, "another_counter"))

    with pytest.raises(
        IncompatibleVersion, match=r"langgraph \d.* PregelScratchpad.another_counter"
    ):
        touchpoints.check_langgraph()
