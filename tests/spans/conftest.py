"""A scripted model server for the tests of spans: none is shared with other rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from langchain_durable.testing.openai_server import ScriptedOpenAI


@pytest.fixture(scope="session")
def _model_server() -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        yield server


@pytest.fixture
def model_server(_model_server: ScriptedOpenAI) -> Iterator[ScriptedOpenAI]:
    yield _model_server
    _model_server.reset()
