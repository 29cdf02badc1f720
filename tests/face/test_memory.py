"""What a run that is over leaves in memory: nothing that waits for the garbage collector."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from langchain_durable import Durable


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what other tests left lying is not told of here
    gc.disable()
    yield
    gc.enable()


def test_what_a_run_was_given_is_gone(durable: Durable) -> None:
    program = durable.wrap(RunnableLambda(lambda document: document.page_content))
    given = Document("France")
    left = weakref.ref(given)

    assert program.invoke(given) == "France"
    del given

    assert left() is None
