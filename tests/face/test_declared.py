"""Siblings that start at once: no record overtakes the one that declares what it stands in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda, RunnableParallel

from langchain_durable import Durable
from langchain_durable.events import StepStarted
from tests.fakes import Model


@pytest.fixture
def _threads_take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_threads_take_turns_often")
def test_a_chain_is_declared_before_what_is_in_it() -> None:
    model = Model()
    asked: Any = RunnableLambda(lambda text: model.invoke(text).text)
    chain: Any = RunnableLambda(str) | RunnableParallel(dict.fromkeys("abcd", asked))
    with Durable("memory://declared") as durable:
        wrapped = durable.wrap(chain)
        for number in range(60):
            wrapped.invoke("x", durable.config(f"run-{number}"))
            declared = {b""}
            for entry in durable.events(f"run-{number}"):
                if isinstance(entry.event, StepStarted):
                    for node in entry.event.nodes:
                        assert node.parent in declared, f"run-{number}: {node.label}"
                        declared.add(node.id)
            assert len(declared) > len("abcd")
