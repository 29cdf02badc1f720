"""Every example runs as its docstring says, and goes on after a kill."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.docs.conftest import Stage
from tests.docs.markdown import ROOT
from tests.servers import free_port

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True, kw_only=True)
class Example:
    """An example: its model calls, the one that it is killed in, and its last words."""

    name: str
    calls: int
    killed_in: int
    says: str


KILLED = (
    Example(name="chain", calls=3, killed_in=3, says="A short talk"),
    Example(name="callback", calls=2, killed_in=2, says="Welcome! .* Thank you."),
    Example(name="agent", calls=3, killed_in=2, says="I refunded 89 EUR."),
    Example(name="langgraph_graph", calls=4, killed_in=4, says="In short: People are bees."),
    Example(name="plain_python", calls=5, killed_in=4, says="2 answers sent; 5 steps came"),
)
OTHERS = {"human_in_the_loop", "fastapi_app", "scripted"}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {e.name for e in KILLED} | OTHERS


@pytest.mark.parametrize("example", KILLED, ids=lambda example: example.name)
def test_an_example_that_is_killed_goes_on(example: Example, stage: Stage) -> None:
    program = EXAMPLES / f"{example.name}.py"

    before = stage.run_killed(program, call=example.killed_in)
    after = stage.run(program)

    assert re.search(example.says, after.splitlines()[-1])
    assert len(stage.requests()) == example.calls + 1, "only the call that was open is made again"
    effects = [line for line in (before + after).splitlines() if line.startswith("*")]
    assert len(effects) == len(set(effects)), "no finished tool call is made again"


def test_an_example_that_has_finished_gives_its_result_without_a_call(stage: Stage) -> None:
    first = stage.run(EXAMPLES / "chain.py")
    assert stage.run(EXAMPLES / "chain.py") == first
    assert len(stage.requests()) == 3


def test_a_run_that_waits_for_a_person_goes_on_in_another_process(stage: Stage) -> None:
    program = EXAMPLES / "human_in_the_loop.py"
    assert "May I? delete_account" in stage.run(program)
    assert "May I? delete_account" in stage.run(program), "asked again, it asks again"
    said = stage.run(program, "approve")
    assert said.splitlines() == [
        "* deleting the account of ada",
        "Done: ada has no account any more.",
    ]
    assert len(stage.requests()) == 2


def test_an_example_needs_neither_key_nor_server(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = stage.directory / "home"
    stage.journal = f"embedded://{home}"
    try:
        assert "A short talk" in stage.run(EXAMPLES / "chain.py", "--demo")
        assert home.is_dir()
    finally:
        stage.run("langchain_durable.embedded", "stop", str(home))
    assert stage.requests() == []


def test_a_web_service_that_is_killed_gives_the_answer_to_the_same_request(stage: Stage) -> None:
    program, port = EXAMPLES / "fastapi_app.py", free_port()

    with stage.server.hold(tag=stage.tag, nth=2) as hold, ThreadPoolExecutor() as client:
        first = stage.start(program, str(port))
        try:
            _wait_until_it_serves(port)
            lost = client.submit(_ask, port)
            assert hold.wait(timeout=60) is not None
        finally:
            first.kill()
            first.wait()
        assert isinstance(lost.exception(), OSError)
    second = stage.start(program, str(port))
    try:
        _wait_until_it_serves(port)
        assert _ask(port) == {"answer": "Your parcel was lost. I refunded 89 EUR."}
        other = _ask(port, "And order 7?", status=409)
        assert "a new turn of a conversation is a new run" in str(other)
    finally:
        second.kill()
        second.wait()
    assert len(stage.requests()) == 4


def _ask(port: int, text: str = "Order 1042 has not come.", *, status: int = 200) -> object:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps({"text": text})
        headers = {"content-type": "application/json"}
        connection.request("PUT", "/questions/42", body=body, headers=headers)
        response = connection.getresponse()
        assert response.status == status
        return json.load(response)
    finally:
        connection.close()


def _wait_until_it_serves(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.02)
    raise AssertionError("the service does not listen")
