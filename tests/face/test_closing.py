"""A handle that is closed while a run of it is active: it stays closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableGenerator, RunnableLambda

from langchain_durable import Durable, DurableCallbackHandler, RunStatus
from langchain_durable.errors import RunFenced
from tests.fakes import Failing, Model
from tests.servers import Server, start_valkey


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with start_valkey(tmp_path / "own") as server:
        yield server


def closing(durable: Durable) -> Callable[[Any], str]:
    def program(text: Any) -> str:
        said = Model().invoke(text).text
        durable.close()
        return said

    return program


def in_a_block(durable: Durable) -> None:
    with durable.run("run"):
        closing(durable)("a")


def in_a_block_that_fails(durable: Durable) -> None:
    with durable.run("run"):
        closing(durable)("a")
        raise Failing


def in_a_call(durable: Durable) -> None:
    durable.wrap(RunnableLambda(closing(durable))).invoke("a", durable.config("run"))


def in_a_stream(durable: Durable) -> None:
    def pieces(given: Iterator[Any]) -> Iterator[str]:
        yield closing(durable)(next(given))

    list(durable.wrap(RunnableGenerator(pieces)).stream("a", durable.config("run")))


def in_a_call_with_a_callback(durable: Durable) -> None:
    handler = DurableCallbackHandler(durable, run_id="run")
    RunnableLambda(closing(durable)).invoke("a", {"callbacks": [handler]})


@pytest.mark.parametrize(
    "close",
    [in_a_block, in_a_block_that_fails, in_a_call, in_a_stream, in_a_call_with_a_callback],
)
def test_a_run_whose_handle_was_closed_does_not_connect_again(
    own_server: Server, monkeypatch: pytest.MonkeyPatch, close: Callable[[Durable], None]
) -> None:
    monkeypatch.delenv("LANGCHAIN_DURABLE_URL", raising=False)
    monkeypatch.setenv("REDIS_URL", own_server.url)  # it is asked at once if it is a cache
    client = own_server.client()
    before = len(client.client_list())
    durable = Durable(lease=1)
    with pytest.raises((RunFenced, Failing)):
        close(durable)

    assert len(client.client_list()) == before
    with Durable(own_server.url) as another:
        assert another.get("run").status is RunStatus.RUNNING
