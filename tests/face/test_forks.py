"""Processes that are forked while a handle, or a run, is open."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from langchain_durable import Durable, DurableWarning, RunStatus
from langchain_durable.errors import RunNotActive
from tests.fakes import Model

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")


def in_a_child(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a forked child, or the name of its error."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said = work()
        except BaseException as exc:
            said = type(exc).__name__
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = json.loads(file.read())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return said


def test_a_forked_child_can_use_the_handle(durable: Durable) -> None:
    model = Model()
    wrapped = durable.wrap(model | RunnableLambda(lambda m: m.content))
    wrapped.invoke("a", durable.config("before"))

    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            wrapped.invoke("b", durable.config("child"))
            status = 0 if wrapped.invoke("a", durable.config("before")) == "<a>" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    wrapped.invoke("c", durable.config("parent"))

    assert {run.run_id for run in durable.runs()} == {"before", "child", "parent"}


def asked(words: str) -> str:
    return str(Model().invoke(words).content)


def test_what_a_child_does_inside_a_run_leaves_its_records_alone(durable: Durable) -> None:
    def work() -> list[str]:
        with warnings.catch_warnings(record=True, action="always") as caught:
            said = [asked("a"), asked("b"), asked("c")]
        told = [str(each.message) for each in caught if each.category is DurableWarning]
        return [*said, *told]

    with durable.run("run", input=1):
        asked("first")
        *said, told = in_a_child(work)
        asked("second")
        asked("third")

    assert said == ["<a>", "<b>", "<c>"]
    assert "forked inside of run 'run'" in told
    with durable.run("again", input=1):
        asked("first")
    found = durable.get("run")
    assert [step.outcome and step.outcome.value for step in found.steps] == ["completed"] * 3
    assert [message.text for message in found.messages] == ["<first>", "<second>", "<third>"]


def test_a_child_cannot_record_in_its_parents_run(durable: Durable) -> None:
    with durable.run("run"):
        assert in_a_child(lambda: durable.step(len, "abc")) == RunNotActive.__name__
        assert durable.step(len, "abcd") == 4
    assert durable.get("run").step == 1


@pytest.mark.parametrize("mode", ["invoke", "stream"])
def test_a_child_may_have_a_run_of_its_own(durable: Durable, mode: str) -> None:
    wrapped = durable.wrap(Model() | RunnableLambda(lambda message: message.content))

    def work() -> Any:
        if mode == "invoke":
            return wrapped.invoke("in the child", durable.config("child"))
        return "".join(map(str, wrapped.stream("in the child", durable.config("child"))))

    @tool
    def delegate(words: str) -> str:
        """Have a child do it."""
        return str(in_a_child(work))

    with durable.run("run"):
        assert delegate.invoke({"words": "a"}) == "<in the child>"
        asked("after")

    assert durable.get("run").step == 2
    child = durable.get("child")
    assert (child.status, child.step) == (RunStatus.COMPLETED, 1)


def test_a_block_that_a_child_leaves_does_not_end_the_run(durable: Durable) -> None:
    def work() -> str:
        run.__exit__(None, None, None)
        return durable.get("run").status.value

    with durable.run("run") as run:
        assert in_a_child(work) == "running"
        asked("still here")
    assert durable.get("run").step == 1
