"""Children end with a value, an error or a kill, and their parent can tell which."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from langchain_durable.testing.children import ChildFailed, Children


@pytest.fixture(scope="module")
def children() -> Children:
    return Children()


def test_a_child_answers_with_its_functions_value(children: Children) -> None:
    ended = children.start(divmod, 7, 2).wait()
    assert ended.result() == (3, 1)
    assert ended.pid != os.getpid()


def test_a_childs_exception_comes_with_its_traceback(children: Children) -> None:
    ended = children.start(divmod, 7, 0).wait()
    with pytest.raises(ChildFailed, match="ZeroDivisionError"):
        ended.result()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_child_that_kills_itself_was_killed(children: Children) -> None:
    ended = children.start(_die).wait()
    assert ended.killed
    with pytest.raises(ChildFailed, match="SIGKILL"):
        ended.result()


def test_a_child_that_exits_without_an_answer_is_an_error(children: Children) -> None:
    ended = children.start(os._exit, 3).wait()
    assert "exit code 3" in ended.error


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_child_can_be_killed_from_outside(children: Children) -> None:
    child = children.start(_wait_for_ever)
    assert not child.done(0)
    child.kill()
    assert child.wait().killed


def test_a_child_that_takes_too_long_is_killed_and_an_error(children: Children) -> None:
    assert "still running" in children.start(_wait_for_ever).wait(timeout=0.01).error


def test_a_child_has_the_environment_of_its_start(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_LATE", "yes")
    assert children.start(os.getenv, "SET_LATE").wait().result() == "yes"


def test_a_fresh_child_is_a_new_interpreter(children: Children) -> None:
    assert children.start(os.getpid, fresh=True).wait().result() != os.getpid()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_ever() -> None:
    threading.Event().wait()
