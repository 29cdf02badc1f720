"""An instrumentor that is off after each test, and one of somebody else's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from langchain_durable.instrumentor import DurableInstrumentor
from tests.instrument.stand_in import stand_in

PEER = "openinference.instrumentation.langchain"
OFFICIAL = "opentelemetry.instrumentation.genai.langchain"


@pytest.fixture(autouse=True)
def instrumentor() -> Iterator[DurableInstrumentor]:
    made = DurableInstrumentor()
    yield made
    if made.is_instrumented_by_opentelemetry:
        made.uninstrument()


@pytest.fixture(autouse=True)
def _warnings_are_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def _import_peer(monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    module = ModuleType(name)
    cls = stand_in()
    vars(module)["LangChainInstrumentor"] = cls
    monkeypatch.setitem(sys.modules, name, module)
    return cls()


@pytest.fixture
def idle_peer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Another instrumentor of LangChain, imported and not active."""
    return _import_peer(monkeypatch, PEER)


@pytest.fixture
def peer(idle_peer: Any) -> Any:
    """The same, active."""
    idle_peer.instrument(skip_dep_check=True)
    return idle_peer


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A second one, active too."""
    made = _import_peer(monkeypatch, OFFICIAL)
    made.instrument(skip_dep_check=True)
    return made
