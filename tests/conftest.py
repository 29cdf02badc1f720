"""Fixtures for all tests: one journal server a session, a key prefix a test."""

from __future__ import annotations

import gc
import itertools
import signal
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from langchain_durable import Durable
from tests.servers import Server, start_valkey

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would the children that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long a machine takes to make an example says nothing of the test: some are slow, or busy.
# What hypothesis has chosen itself stays, as its profile for CI.
settings.register_profile("slow-machines", settings(), suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("slow-machines")

_prefixes = itertools.count(1)
MakeDurable = Callable[..., Durable]


@pytest.fixture(scope="session")
def journal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_valkey(tmp_path_factory.mktemp("journal")) as server:
        yield server


@pytest.fixture
def make_durable(journal_server: Server) -> Iterator[MakeDurable]:
    """Handles on one journal, as of several processes; all are closed at the end."""
    prefix = f"t{next(_prefixes)}"
    made: list[Durable] = []

    def make(**options: Any) -> Durable:
        handle = Durable(journal_server.url, **{"prefix": prefix, "lease": 1.0, **options})
        made.append(handle)
        return handle

    yield make
    for handle in made:
        handle.close()


@pytest.fixture
def durable(make_durable: MakeDurable) -> Durable:
    return make_durable()


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Garbage that refers to itself stays until the test itself has it collected."""
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what other tests left lying is not told of here
    gc.disable()
    yield
    gc.enable()
